package io.sheepfs.store.vdi;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.Journal;
import java.nio.file.Path;
import java.util.List;

/**
 * Changes of several objects that happen as a whole or not at all, and the copies that they put in
 * place. Used by one thread at a time, but {@link #isBroken}.
 */
public interface InodeChanges {

  /** A copy of the index of {@code source} under another header, which is not an object yet. */
  Path stageInode(ObjectId inode, InodeHeader header, ObjectId source) throws SheepException;

  /** A copy of the first {@code sizeBytes} of {@code source}, which is not an object yet. */
  Path stagePrefix(ObjectId oid, ObjectId source, long sizeBytes) throws SheepException;

  /** Makes a staged copy an object, durably. */
  void install(Path staged, ObjectId oid) throws SheepException;

  /** Drops a staged copy that did not become an object. */
  void discard(Path staged);

  /**
   * Carries out {@code steps} as a whole, durably. The temporary name of a {@link Journal.Rename}
   * is that of a staged copy.
   *
   * @throws SheepException if nothing of it was done, or if it is broken now
   */
  void commit(List<Journal.Step> steps) throws SheepException;

  /** Whether a change got stuck half way, so that nothing may be written any more. */
  boolean isBroken();
}
