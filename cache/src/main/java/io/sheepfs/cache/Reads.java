package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads through the cache: from the disk what is valid, from the store what is not, which is kept
 * unless anything overtook it. Safe for any number of threads.
 */
final class Reads {

  private static final Logger log = LoggerFactory.getLogger(Reads.class);
  private static final int TRIES = 4;
  private static final int MAX_FETCH_BLOCKS = 256;

  /** Shared by all caches of the process: what is not in use may serve any of them. */
  private static final BlockBuffers BUFFERS =
      new BlockBuffers(MAX_FETCH_BLOCKS * BlockMap.BLOCK_BYTES);

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
    boolean waited = false;
    for (int i = 0; i < TRIES && to - from <= MAX_FETCH_BLOCKS * TRIES; ) {
      if (tryRead(object, from, to, offset, dst)) {
        (i == 0 && !waited ? index.counters.hits : index.counters.misses).increment();
        index.reclaimer.touch(object);
        return;
      }
      Outcome outcome = tryFetch(object, from, to);
      if (outcome == Outcome.UNKEPT) {
        break;
      }
      waited |= outcome == Outcome.WAITED;
      i += outcome == Outcome.DONE ? 1 : 0;
      object = index.lookupAgain(object);
    }
    index.counters.misses.increment();
    readThrough(object, offset, dst);
  }

  /**
   * Fetches what is missing of a range, and is not on its way, before anybody reads it; gives up if
   * anything gets in the way.
   */
  void prefetch(ObjectId oid, long offset, long length) throws SheepException {
    CachedObject object = index.lookup(oid);
    if (object == null) {
      return;
    }
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = Math.min(object.blocks(), CachedObject.blockAfter(offset + length));
    while (from < to && index.mayKeep()) {
      CachedObject.Fetch fetch;
      long stamp = object.lock.writeLock();
      try {
        if (object.dead || object.busy) {
          return;
        }
        int first = from;
        while (first < to && (object.isValid(first, first + 1) || object.isFetched(first))) {
          first++;
        }
        if (first == to) {
          return;
        }
        int end = first + 1;
        while (end < Math.min(to, first + MAX_FETCH_BLOCKS)
            && !object.isValid(end, end + 1)
            && !object.isFetched(end)) {
          end++;
        }
        fetch = new CachedObject.Fetch(first, end);
        object.fetches.add(fetch);
      } finally {
        object.lock.unlockWrite(stamp);
      }
      if (!fetch(object, fetch)) {
        return;
      }
      from = fetch.to;
    }
  }

  /** Compares all blocks of an object that are here with their checksums. */
  CacheCheck check(CachedObject object) {
    long checked = 0;
    long mended = 0;
    long lost = 0;
    for (int block = 0; block < object.blocks(); block++) {
      ByteBuffer bytes = BUFFERS.take(BlockMap.BLOCK_BYTES);
      long stamp = object.lock.writeLock();
      try {
        if (object.map == null) {
          break;
        }
        if (!object.isValid(block, block + 1)) {
          block = object.map.nextValid(block, object.blocks()) - 1;
          continue;
        }
        checked += BlockMap.BLOCK_BYTES;
        object.prepare(index.disk);
        object.read(bytes, (long) block << BlockMap.BLOCK_SHIFT);
      } catch (DamagedBlock e) {
        boolean dirty = object.isDirty(block);
        lost += dirty ? 1 : 0;
        mended += dirty ? 0 : 1;
        forget(object, e);
      } catch (IOException e) {
        index.health.failed(e);
        lost += object.isDirty(block) ? 1 : 0;
      } finally {
        object.lock.unlockWrite(stamp);
        BUFFERS.give(bytes);
      }
    }
    return new CacheCheck(checked, mended, lost);
  }

  private static void forget(CachedObject object, DamagedBlock damage) {
    try {
      object.damaged(damage);
    } catch (SheepException e) {
      log.error("{}", e.getMessage()); // whoever reads it is told, too
    }
  }

  private boolean tryRead(CachedObject object, int from, int to, long offset, ByteBuffer dst)
      throws SheepException {
    int start = dst.position();
    IOException failure = null;
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
      failure = e;
      index.health.failed(e);
    } finally {
      object.lock.unlockRead(stamp);
    }
    stamp = object.lock.writeLock();
    try {
      if (damage != null) {
        recheck(object, damage);
      } else if (failure != null) {
        object.fileFailed(failure);
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

  /** Run by run, each from where it is; keeps nothing. */
  private void readThrough(CachedObject object, long offset, ByteBuffer dst) throws SheepException {
    int limit = dst.limit();
    int start = dst.position();
    boolean failed = false;
    while (dst.position() < limit) {
      long at = offset + (dst.position() - start);
      int block = (int) (at >>> BlockMap.BLOCK_SHIFT);
      boolean here = false;
      long stamp = object.lock.writeLock();
      int position = dst.position();
      try {
        int to = failed ? block + 1 : CachedObject.blockAfter(at + limit - position);
        int end = object.endOfRun(block, to);
        long bytes = Math.min(limit - position, ((long) end << BlockMap.BLOCK_SHIFT) - at);
        dst.limit(position + (int) bytes);
        if (object.isValid(block, block + 1)) {
          object.prepare(index.disk);
          object.read(dst, at);
          here = true;
        }
      } catch (DamagedBlock e) {
        object.damaged(e);
        dst.position(position);
        here = true; // what is left of the run is looked for again
      } catch (IOException e) {
        index.health.failed(e);
        dst.position(position);
        if (!failed) {
          failed = true; // from now on block by block
          here = true;
        } else if (object.isDirty(block)) {
          throw new SheepException(ResultCode.EIO, "read a dirty block of " + object.oid, e);
        }
      } finally {
        object.lock.unlockWrite(stamp);
      }
      if (!here) {
        fetch(object, at, dst);
      }
      dst.limit(limit);
    }
  }

  private enum Outcome {
    /** Something was fetched, or was there already. */
    DONE,
    /** Somebody else was fetching it, or changing the object. */
    WAITED,
    /** The cache's disk cannot keep it. */
    UNKEPT
  }

  /** Fetches the first missing run of a range; false if the cache's disk cannot keep it. */
  boolean fetch(CachedObject object, int from, int to) throws SheepException {
    return tryFetch(object, from, to) != Outcome.UNKEPT;
  }

  private Outcome tryFetch(CachedObject object, int from, int to) throws SheepException {
    if (!index.mayKeep()) {
      return Outcome.UNKEPT;
    }
    CachedObject.Fetch fetch;
    long stamp = object.lock.writeLock();
    try {
      if (object.dead) {
        return Outcome.DONE;
      }
      int first = object.map == null ? from : object.map.nextInvalid(from, to);
      if (first == to) {
        return Outcome.DONE;
      }
      if (object.busy || object.isFetched(first)) {
        long ticket = object.ended.ticket();
        object.lock.unlockWrite(stamp);
        stamp = 0;
        object.ended.await(ticket);
        return Outcome.WAITED;
      }
      fetch = unitsAround(object, first, to);
      object.fetches.add(fetch);
    } finally {
      if (stamp != 0) {
        object.lock.unlockWrite(stamp);
      }
    }
    return fetch(object, fetch) ? Outcome.DONE : Outcome.UNKEPT;
  }

  /** The fetch for a range whose first missing block is {@code first}: whole units, if possible. */
  private CachedObject.Fetch unitsAround(CachedObject object, int first, int to) {
    int unit = options.readAheadBytes() >>> BlockMap.BLOCK_SHIFT;
    int begin = first;
    int lowest = first & -unit;
    while (begin > lowest && !object.isFetched(begin - 1)) {
      begin--;
    }
    while (begin < first && object.isValid(begin, begin + 1)) {
      begin++;
    }
    int highest = Math.min(object.blocks(), Math.max(first + unit, to + unit - 1) & -unit);
    highest = Math.min(highest, begin + MAX_FETCH_BLOCKS);
    int end = first + 1;
    while (end < highest && !object.isFetched(end)) {
      end++;
    }
    while (end > first + 1 && object.isValid(end - 1, end)) {
      end--;
    }
    return new CachedObject.Fetch(begin, end);
  }

  private boolean fetch(CachedObject object, CachedObject.Fetch fetch) throws SheepException {
    ByteBuffer bytes = BUFFERS.take((fetch.to - fetch.from) << BlockMap.BLOCK_SHIFT);
    boolean arrived = false;
    boolean kept = true;
    try {
      fetch(object, (long) fetch.from << BlockMap.BLOCK_SHIFT, bytes);
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
      if (arrived) {
        BUFFERS.give(bytes);
      }
      object.ended.give();
    }
    index.reclaimer.weigh(object);
    return kept;
  }

  private void fetch(CachedObject object, long offset, ByteBuffer bytes) throws SheepException {
    int start = bytes.position();
    Origin origin = object.origin;
    if (origin != null && origin.source() == null) {
      // All that was written to it is here. The store may have lost it, and have an older one.
      while (bytes.remaining() >= Long.BYTES) {
        bytes.putLong(0);
      }
      while (bytes.hasRemaining()) {
        bytes.put((byte) 0);
      }
      return;
    }
    long begin = Stage.begin();
    try {
      backing.read(object.oid, offset, bytes);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ
          || object.origin == null
          || restorer.missing(object) == Restorer.Missing.UNWANTED) {
        throw e;
      }
      backing.read(object.oid, offset, bytes.position(start));
    } finally {
      long unused = Stage.CACHE_FETCH.end(begin);
    }
    index.counters.fetchedBytes.add(bytes.position() - start);
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
          object.fileFailed(e);
          return false;
        }
        block = end;
      }
    }
    return true;
  }
}
