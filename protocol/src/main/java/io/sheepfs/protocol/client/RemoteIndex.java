package io.sheepfs.protocol.client;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The index of a VDI that nobody has open, for shrinking and deleting. Zeros written into the index
 * are what frees objects: the sheep remove those that nothing refers to any more.
 */
final class RemoteIndex {

  /** Entries that are read and written at once. */
  private static final int BATCH = 1 << 16;

  private final ObjectStore objects;
  private final VdiInfo vdi;
  private final ObjectId inode;

  RemoteIndex(ObjectStore objects, VdiInfo vdi) {
    this.objects = objects;
    this.vdi = vdi;
    this.inode = ObjectId.inode(vdi.vid());
  }

  /** Frees the objects from {@code first} to the end of the index, also behind the VDI's size. */
  void clearFrom(int first) throws SheepException {
    for (int start = first; start < InodeLayout.INDEX_ENTRIES; start += BATCH) {
      int count = Math.min(BATCH, InodeLayout.INDEX_ENTRIES - start);
      ByteBuffer entries = read(start, count);
      int from = 0;
      while (from < count && entries.getInt(from * InodeLayout.INDEX_ENTRY_BYTES) == 0) {
        from++;
      }
      int to = count;
      while (to > from && entries.getInt((to - 1) * InodeLayout.INDEX_ENTRY_BYTES) == 0) {
        to--;
      }
      if (to > from) {
        ByteBuffer zeros = ByteBuffer.allocate((to - from) * InodeLayout.INDEX_ENTRY_BYTES);
        objects.write(inode, InodeLayout.indexOffset(start + from), zeros, Durability.STABLE);
      }
    }
  }

  /** Makes the object that {@code sizeBytes} ends in read as zeros from there on. */
  void zeroTail(long sizeBytes) throws SheepException {
    long offset = sizeBytes & (vdi.objectSizeBytes() - 1);
    if (offset == 0) {
      return;
    }
    int position = (int) (sizeBytes >>> vdi.blockSizeShift());
    ByteBuffer entry = read(position, 1);
    int owner = entry.getInt(0);
    if (owner == 0) {
      return;
    }
    ObjectId own = ObjectId.data(vdi.vid(), position);
    if (owner != vdi.vid().value()) {
      // Somebody else reads the old content: take a copy, object before index.
      if (owner < 0 || owner > VdiId.MAX) {
        throw new SheepException(ResultCode.VDI_READ, "the index of " + inode + " is damaged");
      }
      ObjectId shared = ObjectId.data(new VdiId(owner), position);
      objects.createCopy(own, shared, 0, ByteBuffer.allocate(0), Durability.STABLE);
      objects.discard(own, offset, vdi.objectSizeBytes() - offset, Durability.STABLE);
      objects.write(
          inode,
          InodeLayout.indexOffset(position),
          entry.putInt(0, vdi.vid().value()).rewind(),
          Durability.STABLE);
      return;
    }
    objects.discard(own, offset, vdi.objectSizeBytes() - offset, Durability.STABLE);
  }

  private ByteBuffer read(int start, int count) throws SheepException {
    ByteBuffer entries =
        ByteBuffer.allocate(count * InodeLayout.INDEX_ENTRY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    objects.read(inode, InodeLayout.indexOffset(start), entries);
    return entries.rewind();
  }
}
