package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Reads in the inodes that pass which objects go away. Safe for any number of threads. */
final class InodeWatch {

  private final CacheIndex index;

  InodeWatch(CacheIndex index) {
    this.index = index;
  }

  /** How durable a write to an inode must be, if its writer wants {@code wanted}. */
  Durability durability(ObjectId inode, long offset, ByteBuffer written, Durability wanted) {
    VdiCache vdi = index.get(inode.vid());
    if (wanted == Durability.STABLE || vdi == null) {
      return wanted;
    }
    long end = offset + written.remaining();
    for (int number : vdi.unheld) {
      long at = InodeLayout.indexOffset(number);
      if (offset <= at && at < end) {
        return Durability.STABLE;
      }
    }
    return wanted;
  }

  /**
   * Called after the store took a write to an inode. An object whose own VDI names it no more is
   * forgotten, dirty or not; one that another VDI names no more may be gone, and is forgotten if it
   * is clean.
   *
   * @param written what was written, from position to limit
   */
  void written(ObjectId inode, long offset, ByteBuffer written) throws SheepException {
    ByteBuffer bytes = written.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    VdiId vid = inode.vid();
    long end = Math.min(offset + bytes.remaining(), InodeLayout.REFERENCES);
    if (end <= InodeLayout.INDEX) {
      return;
    }
    int from = (int) Math.max(0, (offset - InodeLayout.INDEX + 3) >> 2);
    int to = (int) Math.max(from, (end - InodeLayout.INDEX) / InodeLayout.INDEX_ENTRY_BYTES);
    VdiCache vdi = index.get(vid);
    if (vdi != null && !vdi.unheld.isEmpty()) {
      vdi.unheld.removeIf(number -> number >= from && number < to);
    }
    for (CachedObject object : index.objects()) {
      int number = object.oid.index();
      if (number < from || number >= to) {
        continue;
      }
      int at = (int) (InodeLayout.indexOffset(number) - offset) + bytes.position();
      if (bytes.getInt(at) == object.vdi.vid.value()) {
        continue;
      }
      if (object.vdi.vid.equals(vid)) {
        index.discardObject(object);
      } else {
        index.evictIfIdle(object);
      }
    }
  }
}
