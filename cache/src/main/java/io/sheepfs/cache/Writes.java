package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;

/**
 * Changes to data objects: held back here, or handed to the store while the object is busy. Safe
 * for any number of threads.
 */
final class Writes {

  private static final int TRIES = 4;

  /** Makes room when there is too much dirty data. */
  interface Room {
    void make(VdiCache first) throws SheepException;
  }

  private final ObjectStore backing;
  private final CacheIndex index;
  private final CacheOptions options;
  private final Flusher flusher;
  private final Reads reads;
  private final Room room;
  private final LongSupplier nanoClock;

  Writes(
      ObjectStore backing,
      CacheIndex index,
      CacheOptions options,
      Flusher flusher,
      Reads reads,
      Room room,
      LongSupplier nanoClock) {
    this.backing = backing;
    this.index = index;
    this.options = options;
    this.flusher = flusher;
    this.reads = reads;
    this.room = room;
    this.nanoClock = nanoClock;
  }

  void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    CachedObject object = index.lookup(oid);
    if (object == null || object.vdi.frozen || !src.hasRemaining()) {
      backing.write(oid, offset, src, durability);
      return;
    }
    object.vdi.checkBounds(offset, src.remaining());
    boolean held = options.mode() == CacheMode.WRITEBACK && durability == Durability.UNSTABLE;
    for (int i = 0; held && i < TRIES; i++) {
      if (index.counters.dirtyBytes() >= options.maxDirtyBytes()) {
        room.make(object.vdi);
      }
      Taken taken = tryWrite(object, offset, src);
      if (taken == Taken.YES) {
        return;
      }
      if (taken == Taken.NEVER) {
        break;
      }
      object = index.lookupAgain(object);
    }
    writeThrough(object, offset, src, durability);
  }

  private enum Taken {
    YES,
    RETRY,
    NEVER
  }

  private Taken tryWrite(CachedObject object, long offset, ByteBuffer src) throws SheepException {
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    long end = offset + src.remaining();
    int to = CachedObject.blockAfter(end);
    int start = src.position();
    int missing = -1;
    boolean fresh;
    long stamp = object.lock.writeLock();
    try {
      if (object.dead) {
        return Taken.RETRY;
      }
      if (object.busy) {
        long ticket = object.ticket();
        object.lock.unlockWrite(stamp);
        stamp = 0;
        object.await(ticket);
        return Taken.RETRY;
      }
      if (!object.known
          || !index.mayKeep()
          || index.counters.dirtyBytes() >= options.maxDirtyBytes()) {
        return Taken.NEVER;
      }
      if ((offset & 4095) != 0 && !object.isValid(from, from + 1)) {
        missing = from;
      } else if ((end & 4095) != 0 && !object.isValid(to - 1, to)) {
        missing = to - 1;
      }
      fresh = object.dirtyCount == 0;
      if (missing < 0) {
        object.write(index.disk, offset, src, nanoClock.getAsLong());
      }
    } catch (DamagedBlock e) {
      object.damaged(e);
      return Taken.RETRY;
    } catch (IOException e) {
      index.health.failed(e);
      object.file = null;
      src.position(start);
      return Taken.NEVER;
    } finally {
      if (stamp != 0) {
        object.lock.unlockWrite(stamp);
      }
    }
    if (missing >= 0) {
      return reads.fetch(object, missing, missing + 1) ? Taken.RETRY : Taken.NEVER;
    }
    if (fresh) {
      index.reclaimer.weigh(object);
    }
    return Taken.YES;
  }

  /** Writes to the store at once. The object is busy meanwhile. */
  private void writeThrough(CachedObject first, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(offset + src.remaining());
    ByteBuffer copy = src.duplicate();
    CachedObject object = index.begin(first);
    boolean done = false;
    try {
      settleEdges(object, offset, offset + src.remaining());
      CacheIndex.dropClean(object, from, to);
      backing.write(object.oid, offset, src, durability);
      installWhole(object, offset, copy);
      done = true;
    } finally {
      index.end(object, done);
    }
  }

  /** Pushes the dirty blocks that a change covers only in part, and forgets them here. */
  private void settleEdges(CachedObject object, long offset, long end) throws SheepException {
    if ((offset & 4095) != 0) {
      settle(object, (int) (offset >>> BlockMap.BLOCK_SHIFT), 1);
    }
    if ((end & 4095) != 0) {
      settle(object, (int) (end >>> BlockMap.BLOCK_SHIFT), 1);
    }
  }

  private void settle(CachedObject object, int from, int count) throws SheepException {
    flusher.push(object, from, from + count, true);
    CacheIndex.dropAll(object, from, from + count);
  }

  private void installWhole(CachedObject object, long offset, ByteBuffer src) {
    int from = (int) ((offset + 4095) >>> BlockMap.BLOCK_SHIFT);
    int to = (int) ((offset + src.remaining()) >>> BlockMap.BLOCK_SHIFT);
    long stamp = object.lock.writeLock();
    try {
      object.known = true;
      if (from >= to) {
        return;
      }
      object.drop(from, to);
      if (index.mayKeep()) {
        int at = src.position() + (int) (((long) from << BlockMap.BLOCK_SHIFT) - offset);
        object.install(
            index.disk, from, src.duplicate().position(at).limit(at + ((to - from) << 12)));
      }
    } catch (IOException e) {
      index.health.failed(e);
      object.file = null;
    } finally {
      object.lock.unlockWrite(stamp);
    }
  }

  void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    CachedObject first = index.lookup(oid);
    if (first == null) {
      backing.create(oid, offset, src, durability);
      return;
    }
    ByteBuffer copy = src.duplicate();
    CachedObject object = index.begin(first);
    boolean done = false;
    try {
      settle(object, 0, object.blocks());
      backing.create(oid, offset, src, durability);
      installWhole(object, offset, copy);
      done = true;
    } finally {
      index.end(object, done);
    }
  }

  void createCopy(ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    CachedObject from = index.get(source);
    if (from != null) {
      flusher.push(from, 0, from.blocks(), false);
    }
    CachedObject first = index.lookup(oid);
    if (first == null) {
      backing.createCopy(oid, source, offset, src, durability);
      return;
    }
    ByteBuffer copy = src.duplicate();
    CachedObject object = index.begin(first);
    boolean done = false;
    try {
      settle(object, 0, object.blocks());
      backing.createCopy(oid, source, offset, src, durability);
      installWhole(object, offset, copy);
      done = true;
    } finally {
      index.end(object, done);
    }
  }

  void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    CachedObject first = index.lookup(oid);
    if (first == null) {
      backing.discard(oid, offset, length, durability);
      return;
    }
    first.vdi.checkBounds(offset, length);
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(offset + length);
    CachedObject object = index.begin(first);
    boolean done = false;
    try {
      settleEdges(object, offset, offset + length);
      CacheIndex.dropClean(object, from, to);
      backing.discard(oid, offset, length, durability);
      CacheIndex.dropAll(object, from, to);
      done = true;
    } finally {
      index.end(object, done);
    }
  }

  void remove(ObjectId oid) throws SheepException {
    CachedObject first = index.lookup(oid);
    if (first == null) {
      backing.remove(oid);
      return;
    }
    CachedObject object = index.begin(first);
    try {
      CacheIndex.dropClean(object, 0, object.blocks());
      backing.remove(oid);
      CacheIndex.dropAll(object, 0, object.blocks());
      index.forget(object);
    } finally {
      index.end(object, false);
    }
  }
}
