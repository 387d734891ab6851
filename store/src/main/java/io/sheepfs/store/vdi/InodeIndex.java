package io.sheepfs.store.vdi;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.StoredObjects;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads the index of inodes. Safe for any number of threads. */
final class InodeIndex {

  /** Entries that are looked at in one go. */
  static final int CHUNK_ENTRIES = 4096;

  private final StoredObjects files;

  InodeIndex(StoredObjects files) {
    this.files = files;
  }

  /** How many entries the file of an inode has room for; those behind are all zero. */
  int storedEntries(ObjectId inode) throws SheepException {
    long bytes = files.storedBytes(inode) - InodeLayout.INDEX;
    long entries = (bytes + InodeLayout.INDEX_ENTRY_BYTES - 1) / InodeLayout.INDEX_ENTRY_BYTES;
    return (int) Math.max(0, Math.min(entries, InodeLayout.INDEX_ENTRIES));
  }

  /** The owners of the {@code count} objects from {@code first} on; 0 for a hole. */
  int[] read(ObjectId inode, int first, int count) throws SheepException {
    ByteBuffer bytes =
        ByteBuffer.allocate(count * InodeLayout.INDEX_ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    files.read(inode, InodeLayout.indexOffset(first), bytes);
    int[] owners = new int[count];
    bytes.flip().asIntBuffer().get(owners);
    return owners;
  }
}
