package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * Reads through the cache: from the disk what is valid, from the store what is not, which is kept
 * unless anything overtook it. Safe for any number of threads.
 */
final class Reads {

  private static final int TRIES = 4;
  private static final int MAX_FETCH_BLOCKS = 256;

  private final ObjectStore backing;
  private final CacheIndex index;
  private final CacheOptions options;
  private final Restorer restorer;

  Reads(ObjectStore backing, CacheIndex index, CacheOptions options) {
    this.backing = backing;
    this.index = index;
    this.options = options;
    this.restorer = new Restorer(backing, index);
  }

  void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    CachedObject object = index.lookup(oid);
    if (object == null || !dst.hasRemaining()) {
      backing.read(oid, offset, dst);
      return;
    }
    object.vdi.checkBounds(offset, dst.remaining());
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(offset + dst.remaining());
    for (int i = 0; i < TRIES && to - from <= MAX_FETCH_BLOCKS * TRIES; i++) {
      if (tryRead(object, from, to, offset, dst)) {
        (i == 0 ? index.counters.hits : index.counters.misses).increment();
        index.reclaimer.touch(object);
        return;
      }
      if (!fetch(object, from, to)) {
        break;
      }
      object = index.lookupAgain(object);
    }
    index.counters.misses.increment();
    readThrough(object, offset, dst);
  }

  private boolean tryRead(CachedObject object, int from, int to, long offset, ByteBuffer dst)
      throws SheepException {
    int start = dst.position();
    boolean failed = false;
    DamagedBlock damage = null;
    long stamp = object.lock.readLock();
    try {
      if (object.isValid(from, to) && object.file != null) {
        object.read(dst, offset);
        return true;
      }
    } catch (DamagedBlock e) {
      dst.position(start);
      damage = e;
    } catch (IOException e) {
      dst.position(start);
      failed = true;
      index.health.failed(e);
    } finally {
      object.lock.unlockRead(stamp);
    }
    stamp = object.lock.writeLock();
    try {
      if (damage != null) {
        recheck(object, damage);
      } else if (failed) {
        object.file = null;
        object.dropClean(from, to);
      } else if (object.file == null && object.map != null) {
        object.prepare(index.disk);
        if (object.isValid(from, to)) {
          object.read(dst, offset);
          return true;
        }
      }
    } catch (DamagedBlock e) {
      dst.position(start);
      object.damaged(e);
    } catch (IOException e) {
      dst.position(start);
      index.health.failed(e);
      object.dropClean(from, to);
    } finally {
      object.lock.unlockWrite(stamp);
    }
    return false;
  }

  /** Looks again, under the exclusive lock: the block may be another by now. */
  private void recheck(CachedObject object, DamagedBlock found) throws IOException, SheepException {
    int block = found.block();
    if (object.file == null || !object.isValid(block, block + 1)) {
      return;
    }
    try {
      object.read(ByteBuffer.allocate(BlockMap.BLOCK_BYTES), (long) block << BlockMap.BLOCK_SHIFT);
    } catch (DamagedBlock e) {
      object.damaged(e);
    }
  }

  /** Piece by piece, each from where it is; keeps nothing. */
  private void readThrough(CachedObject object, long offset, ByteBuffer dst) throws SheepException {
    int limit = dst.limit();
    long at = offset;
    while (dst.position() < limit) {
      int block = (int) (at >>> BlockMap.BLOCK_SHIFT);
      int piece = Math.min(limit - dst.position(), BlockMap.BLOCK_BYTES - (int) (at & 4095));
      dst.limit(dst.position() + piece);
      boolean here = false;
      long stamp = object.lock.writeLock();
      try {
        if (object.isValid(block, block + 1)) {
          object.prepare(index.disk);
          object.read(dst, at);
          here = true;
        }
      } catch (DamagedBlock e) {
        object.damaged(e);
        dst.position(dst.limit() - piece);
      } catch (IOException e) {
        index.health.failed(e);
        if (object.isDirty(block)) {
          throw new SheepException(ResultCode.EIO, "read a dirty block of " + object.oid, e);
        }
        dst.position(dst.limit() - piece);
      } finally {
        object.lock.unlockWrite(stamp);
      }
      if (!here) {
        backing.read(object.oid, at, dst);
      }
      dst.limit(limit);
      at += piece;
    }
  }

  /** Fetches the first missing run of a range; false if the cache's disk cannot keep it. */
  boolean fetch(CachedObject object, int from, int to) throws SheepException {
    CachedObject.Fetch fetch;
    long stamp = object.lock.writeLock();
    try {
      if (object.dead) {
        return true;
      }
      int first = object.map == null ? from : object.map.nextInvalid(from, to);
      if (first == to) {
        return true;
      }
      if (object.busy || isBeingFetched(object, first, to)) {
        long ticket = object.ticket();
        object.lock.unlockWrite(stamp);
        stamp = 0;
        object.await(ticket);
        return true;
      }
      int unit = options.readAheadBytes() >>> BlockMap.BLOCK_SHIFT;
      int begin = Math.max(first & -unit, 0);
      while (begin < first && object.isValid(begin, begin + 1)) {
        begin++;
      }
      int end = Math.min(object.blocks(), Math.max(first + unit, to + unit - 1) & -unit);
      end = Math.min(end, begin + MAX_FETCH_BLOCKS);
      while (end > first + 1 && object.isValid(end - 1, end)) {
        end--;
      }
      fetch = new CachedObject.Fetch(begin, end);
      object.fetches.add(fetch);
    } finally {
      if (stamp != 0) {
        object.lock.unlockWrite(stamp);
      }
    }
    return fetch(object, fetch);
  }

  private static boolean isBeingFetched(CachedObject object, int from, int to) {
    for (CachedObject.Fetch fetch : object.fetches) {
      if (!fetch.spoiled && fetch.from < to && from < fetch.to) {
        return true;
      }
    }
    return false;
  }

  private boolean fetch(CachedObject object, CachedObject.Fetch fetch) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate((fetch.to - fetch.from) << BlockMap.BLOCK_SHIFT);
    boolean arrived = false;
    boolean kept = true;
    try {
      fetch(object, (long) fetch.from << BlockMap.BLOCK_SHIFT, bytes);
      index.counters.fetchedBytes.add(bytes.position());
      arrived = true;
    } finally {
      long stamp = object.lock.writeLock();
      try {
        object.fetches.remove(fetch);
        if (!arrived
            && !object.known
            && object.map == null
            && object.fetches.isEmpty()
            && !object.busy) {
          index.bury(object);
        } else if (arrived && !fetch.spoiled && !object.dead && !object.busy) {
          object.known = true;
          kept = installMissing(object, fetch, bytes);
        }
      } finally {
        object.lock.unlockWrite(stamp);
      }
      object.signal();
    }
    index.reclaimer.weigh(object);
    return kept;
  }

  private void fetch(CachedObject object, long offset, ByteBuffer bytes) throws SheepException {
    try {
      backing.read(object.oid, offset, bytes);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ
          || object.origin == null
          || restorer.missing(object) == Restorer.Missing.UNWANTED) {
        throw e;
      }
      backing.read(object.oid, offset, bytes.clear());
    }
  }

  private boolean installMissing(CachedObject object, CachedObject.Fetch fetch, ByteBuffer bytes) {
    if (!index.mayKeep()) {
      return false;
    }
    for (int block = fetch.from; block < fetch.to; block++) {
      int end = block;
      while (end < fetch.to && !object.isValid(end, end + 1)) {
        end++;
      }
      if (end > block) {
        bytes.limit((end - fetch.from) << BlockMap.BLOCK_SHIFT);
        bytes.position((block - fetch.from) << BlockMap.BLOCK_SHIFT);
        try {
          object.install(index.disk, block, bytes);
        } catch (IOException e) {
          index.health.failed(e);
          object.file = null;
          return false;
        }
        block = end;
      }
    }
    return true;
  }
}
