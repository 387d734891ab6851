package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Changes to data objects: held back here, or handed to the store while the object is busy. Safe
 * for any number of threads.
 */
final class Writes {

  private static final int TRIES = 4;

  /** Makes room when there is too much dirty data. */
  interface Room {
    /** Returns when there is room, or when waiting for it makes no sense. */
    void make(VdiCache first) throws SheepException;

    /** Whether there is too much dirty data, in all or of the VDIs of this name. */
    boolean isFull(VdiCache vdi);

    /** Makes all of a VDI durable. */
    void flush(VdiId vid) throws SheepException;

    /** Slows a writer down, the more the less room there is. */
    void slow(VdiCache vdi, int bytes);
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
      backing.write(oid, offset, src, ownDurability(false, durability));
      return;
    }
    object.vdi.checkBounds(offset, src.remaining());
    boolean held = options.mode() == CacheMode.WRITEBACK && durability == Durability.UNSTABLE;
    for (int i = 0; held && i < TRIES; i++) {
      room.slow(object.vdi, src.remaining());
      if (room.isFull(object.vdi)) {
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
        long ticket = object.ended.ticket();
        object.lock.unlockWrite(stamp);
        stamp = 0;
        object.ended.await(ticket);
        return Taken.RETRY;
      }
      if (!object.known || !index.mayKeep() || room.isFull(object.vdi)) {
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
      object.fileFailed(e);
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
    long end = offset + src.remaining();
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(end);
    ByteBuffer copy = src.duplicate();
    boolean held =
        ((offset | end) & 4095) == 0 && durability == Durability.UNSTABLE && mayHold(first.vdi);
    CachedObject object = held ? index.begin(first) : beginSettled(first);
    boolean done = false;
    try {
      settleEdges(object, offset, end);
      CacheIndex.dropClean(object, from, to);
      long under = object.vdi.incarnation(backing);
      backing.write(object.oid, offset, src, ownDurability(held, durability));
      keep(object, offset, copy, held, under);
      done = true;
    } finally {
      index.end(object, done);
    }
  }

  /**
   * Makes an object busy that is in the store for good: what is stable in one that is not would be
   * lost with it.
   */
  private CachedObject beginSettled(CachedObject first) throws SheepException {
    CachedObject object = first;
    while (true) {
      if (object.origin != null && options.mode() == CacheMode.WRITEBACK) {
        room.flush(object.vdi.vid);
      }
      object = index.begin(object);
      if (object.origin == null || options.mode() != CacheMode.WRITEBACK) {
        return object;
      }
      index.end(object, true);
    }
  }

  /** Whether what the store has not flushed yet can be kept here to be pushed again. */
  private boolean mayHold(VdiCache vdi) {
    return options.mode() == CacheMode.WRITEBACK && index.mayKeep() && !room.isFull(vdi);
  }

  /** What is not held here must not be lost there. */
  private Durability ownDurability(boolean held, Durability wanted) {
    return options.mode() == CacheMode.WRITEBACK && !held ? Durability.STABLE : wanted;
  }

  /** Makes the dirty blocks durable that a change covers only in part, and forgets them here. */
  private void settleEdges(CachedObject object, long offset, long end) throws SheepException {
    if ((offset & 4095) != 0) {
      settle(object, (int) (offset >>> BlockMap.BLOCK_SHIFT));
    }
    if ((end & 4095) != 0) {
      settle(object, (int) (end >>> BlockMap.BLOCK_SHIFT));
    }
  }

  private void settle(CachedObject object, int block) throws SheepException {
    flusher.pushStable(object, block);
    CacheIndex.drop(object, block, block + 1);
  }

  /**
   * Keeps the whole blocks of what the store has been given.
   *
   * @param held whether the store has not flushed it, so that they stay dirty
   * @param under the incarnation of the store before it was given them
   * @return false if they could not be held, so that the store has been flushed
   */
  private boolean keep(CachedObject object, long offset, ByteBuffer src, boolean held, long under)
      throws SheepException {
    int from = (int) ((offset + 4095) >>> BlockMap.BLOCK_SHIFT);
    int to = (int) ((offset + src.remaining()) >>> BlockMap.BLOCK_SHIFT);
    boolean kept = from >= to;
    long stamp = object.lock.writeLock();
    try {
      object.known = true;
      if (!held && options.mode() != CacheMode.WRITEBACK) {
        object.setUnproved();
      }
      if (kept) {
        if (held) {
          object.prepare(index.disk); // the origin must be on record
        }
        return true;
      }
      object.drop(from, to);
      int at = src.position() + (int) (((long) from << BlockMap.BLOCK_SHIFT) - offset);
      ByteBuffer whole = src.duplicate().position(at).limit(at + ((to - from) << 12));
      if (held) {
        long now = object.vdi.incarnation(backing);
        object.pushingUnder(now);
        object.installPushed(index.disk, from, whole, nanoClock.getAsLong());
        if (under != now) {
          object.current.clear(from, to);
        }
        kept = true;
      } else if (index.mayKeep()) {
        object.install(index.disk, from, whole);
      }
    } catch (IOException e) {
      index.health.failed(e);
      object.fileFailed(e);
      kept = false;
    } finally {
      object.lock.unlockWrite(stamp);
    }
    if (held && !kept) {
      backing.flush(object.vdi.vid);
      if (object.vdi.incarnation(backing) != under) {
        throw new SheepException(
            ResultCode.EIO, "write " + object.oid + ", which neither the store nor the cache kept");
      }
      return false;
    }
    return true;
  }

  void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    CachedObject first = index.lookup(oid);
    if (first == null) {
      backing.create(oid, offset, src, ownDurability(false, durability));
      return;
    }
    ByteBuffer padded = padded(offset, src);
    replace(
        first,
        offset & -4096L,
        padded,
        mayHold(first.vdi) ? new Origin(null) : null,
        how -> backing.create(oid, offset, src, ownDurability(how, durability)));
  }

  /** With the zeros around it that make it whole blocks. */
  private static ByteBuffer padded(long offset, ByteBuffer src) {
    int skip = (int) (offset & 4095);
    int length = src.remaining() == 0 ? 0 : (skip + src.remaining() + 4095) & -4096;
    if (length == src.remaining()) {
      return src.duplicate();
    }
    return ByteBuffer.allocate(length).put(skip, src, src.position(), src.remaining());
  }

  void createCopy(ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    CachedObject from = index.get(source);
    if (from != null) {
      flusher.push(from, 0, from.blocks(), false);
    }
    CachedObject first = index.lookup(oid);
    if (first == null) {
      backing.createCopy(oid, source, offset, src, ownDurability(false, durability));
      return;
    }
    ByteBuffer copy = src.duplicate();
    boolean aligned = ((offset | src.remaining()) & 4095) == 0;
    replace(
        first,
        offset,
        copy,
        aligned && source.index() == oid.index() && mayHold(first.vdi)
            ? new Origin(source.vid())
            : null,
        how -> backing.createCopy(oid, source, offset, src, ownDurability(how, durability)));
  }

  private interface Creation {
    void run(boolean held) throws SheepException;
  }

  /** Creates an object, in place of what there was; the old is dirty until the new is there. */
  private void replace(
      CachedObject first, long offset, ByteBuffer src, @Nullable Origin origin, Creation creation)
      throws SheepException {
    CachedObject object = index.begin(first);
    boolean done = false;
    try {
      CacheIndex.dropClean(object, 0, object.blocks());
      long under = object.vdi.incarnation(backing);
      creation.run(origin != null);
      CacheIndex.dropAll(object);
      setOrigin(object, origin, under);
      boolean held = keep(object, offset, src, origin != null, under) && origin != null;
      if (!held && options.mode() == CacheMode.WRITEBACK) {
        setOrigin(object, null, under);
        object.vdi.unheld.add(object.oid.index());
      }
      done = true;
    } finally {
      index.end(object, done);
    }
  }

  private static void setOrigin(CachedObject object, @Nullable Origin origin, long under) {
    long stamp = object.lock.writeLock();
    object.madeUnder = under;
    object.setOrigin(origin);
    object.remake = false;
    object.lock.unlockWrite(stamp);
  }

  void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    CachedObject first = index.lookup(oid);
    if (first == null) {
      backing.discard(oid, offset, length, ownDurability(false, durability));
      return;
    }
    first.vdi.checkBounds(offset, length);
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(offset + length);
    CachedObject object = beginSettled(first);
    boolean done = false;
    try {
      settleEdges(object, offset, offset + length);
      CacheIndex.dropClean(object, from, to);
      backing.discard(oid, offset, length, ownDurability(false, durability));
      CacheIndex.drop(object, from, to);
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
      index.forget(object);
    } finally {
      index.end(object, false);
    }
  }
}
