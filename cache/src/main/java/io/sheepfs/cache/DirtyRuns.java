package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Takes what is dirty out of a cache, for somebody who knows where else it belongs. */
public interface DirtyRuns {

  /** The longest run, in blocks: 1 MiB. */
  int MAX_BLOCKS = 256;

  /**
   * Called with one run of dirty blocks after the other. No lock is held.
   *
   * @param bytes its own; from position to limit
   * @throws SheepException to end it; the blocks of this object stay dirty then
   */
  void take(ObjectId oid, long offset, ByteBuffer bytes) throws SheepException;

  /** Hands over the dirty blocks of an object that the caller made busy; they stay dirty. */
  static void of(CachedObject object, CacheDisk disk, DirtyRuns taker) throws SheepException {
    int from = 0;
    while (from < object.blocks()) {
      ByteBuffer bytes;
      long stamp = object.lock.writeLock();
      try {
        BlockMap map = object.map;
        from = map == null ? object.blocks() : map.nextDirty(from, object.blocks());
        if (map == null || from == object.blocks()) {
          return;
        }
        int to = map.nextNotDirty(from, Math.min(object.blocks(), from + MAX_BLOCKS));
        bytes = ByteBuffer.allocate((to - from) << BlockMap.BLOCK_SHIFT);
        object.prepare(disk);
        object.read(bytes, (long) from << BlockMap.BLOCK_SHIFT);
      } catch (IOException e) {
        throw new SheepException(ResultCode.EIO, "read dirty blocks of " + object.oid, e);
      } finally {
        object.lock.unlockWrite(stamp);
      }
      long offset = (long) from << BlockMap.BLOCK_SHIFT;
      from += bytes.capacity() >>> BlockMap.BLOCK_SHIFT;
      taker.take(object.oid, offset, bytes.flip());
    }
  }
}
