package io.sheepfs.store.object;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import java.nio.file.Path;

/** The objects that one node has on its disk: {@link ObjectFiles}, or what stands in for them. */
public interface NodeObjects extends StoredObjects {

  /** {@link #flush} of every VDI, and of all names. */
  void flushAll() throws SheepException;

  /** Forgets everything about objects; they were removed. */
  void clear();

  /**
   * The file of an object, whether it is there or not.
   *
   * @throws SheepException if it cannot be told, as a disk has failed
   */
  Path file(ObjectId oid) throws SheepException;
}
