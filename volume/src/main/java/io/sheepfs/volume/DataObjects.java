package io.sheepfs.volume;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.OutcomeUnknownException;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.StampedLock;
import java.util.function.LongPredicate;

/**
 * The data objects of an open VDI, addressed by their position on the disk.
 *
 * <p>An entry of the index is a hole, names an object of our own, or one of an ancestor that we
 * share and must not change. The rules:
 *
 * <ul>
 *   <li>An object is made whole before the inode names it, and the inode names it before this index
 *       does. A crash in between leaks an object; it never shows one that was not written.
 *   <li>{@code create} replaces an object, so it must never meet a write of the same object: an
 *       entry changes only under the exclusive lock of its object, and objects are written only
 *       under the shared one. Two writers of one hole thus get one creation and one write.
 *   <li>An unstable creation is right in place of a hole only: should a power cut keep the index
 *       and lose the object, the store makes a hole of it again. In place of an ancestor's object
 *       it would lose flushed data, so copies are made stable.
 *   <li>Reads take no lock. An entry can change under a read, and its object be removed; that shows
 *       as a missing object, and is tried again under the lock. An object that is missing then is
 *       damage, never zeros.
 *   <li>A change of the inode with an unknown outcome makes the entry {@link ObjectIndex#UNKNOWN};
 *       whoever wants it next asks the inode.
 * </ul>
 */
final class DataObjects {

  /** Asked under the lock of an object before it is changed. */
  interface Gate {
    /** An end for writes that need not lie inside of the disk. */
    long ANYWHERE = Long.MIN_VALUE;

    /**
     * Whether a write that ends at byte {@code end} of the disk lies inside of it.
     *
     * @throws SheepException if the volume cannot be written at all
     */
    boolean admits(long end) throws SheepException;
  }

  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(1 << 16).asReadOnlyBuffer();
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0).asReadOnlyBuffer();
  private static final int PROBE_BYTES = 1 << 20;

  private final ObjectStore store;
  private final long objectBytes;
  private final Gate gate;
  private final ObjectLocks locks = new ObjectLocks();

  /** Replaced only under all locks. */
  private volatile Mapping mapping;

  private record Mapping(Inode inode, ObjectIndex index) {
    int vid() {
      return inode.vid().value();
    }
  }

  DataObjects(ObjectStore store, long objectBytes, Gate gate, Inode inode, ObjectIndex index) {
    this.store = store;
    this.objectBytes = objectBytes;
    this.gate = gate;
    this.mapping = new Mapping(inode, index);
  }

  Inode inode() {
    return mapping.inode();
  }

  ObjectIndex index() {
    return mapping.index();
  }

  /** Keeps all writers out until {@link #resume}. */
  long[] quiesce() {
    return locks.lockAll();
  }

  void resume(long[] stamps) {
    locks.unlockAll(stamps);
  }

  /** Goes on with another inode. To be called between {@link #quiesce} and {@link #resume}. */
  void replace(Inode inode, ObjectIndex index) {
    mapping = new Mapping(inode, index);
  }

  /** Fills {@code dst} from {@code offset} of an object on. */
  void read(int index, long offset, ByteBuffer dst) throws SheepException {
    Mapping map = mapping;
    int entry = map.index().get(index);
    if (entry == ObjectIndex.HOLE) {
      putZeros(dst);
      return;
    }
    if (entry != ObjectIndex.UNKNOWN) {
      int start = dst.position();
      try {
        store.read(objectId(entry, index), offset, dst);
        return;
      } catch (SheepException e) {
        if (e.result() != ResultCode.NO_OBJ) {
          throw e;
        }
        dst.position(start);
      }
    }
    StampedLock lock = locks.of(index);
    long stamp = lock.writeLock();
    try {
      map = mapping;
      entry = settle(map, index);
      if (entry == ObjectIndex.HOLE) {
        putZeros(dst);
      } else {
        store.read(objectId(entry, index), offset, dst);
      }
    } catch (SheepException e) {
      throw damageIfMissing(e, entry, index);
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /**
   * Has the store fetch a part of an object, if there is one.
   *
   * @param wanted tells for {@code end} whether it is still wanted
   */
  void expect(int index, long offset, long length, LongPredicate wanted, long end) {
    int entry = mapping.index().get(index);
    if (entry != ObjectIndex.HOLE && entry != ObjectIndex.UNKNOWN) {
      store.expect(objectId(entry, index), offset, length, () -> wanted.test(end));
    }
  }

  /**
   * Writes {@code src} from {@code offset} of an object on, and makes the object if need be.
   *
   * @param end where the whole request ends on the disk; for the gate
   * @return false if the gate did not admit it; then nothing has changed
   */
  boolean write(int index, long offset, ByteBuffer src, long end) throws SheepException {
    StampedLock lock = locks.of(index);
    long stamp = lock.readLock();
    try {
      if (!gate.admits(end)) {
        return false;
      }
      Mapping map = mapping;
      if (map.index().get(index) == map.vid()) {
        overwrite(map, index, offset, src);
        return true;
      }
    } finally {
      lock.unlockRead(stamp);
    }
    stamp = lock.writeLock();
    try {
      if (!gate.admits(end)) {
        return false;
      }
      Mapping map = mapping;
      int entry = settle(map, index);
      if (entry == map.vid()) {
        overwrite(map, index, offset, src);
      } else {
        ObjectId own = objectId(map.vid(), index);
        if (entry == ObjectIndex.HOLE) {
          store.create(own, offset, src, Durability.UNSTABLE);
        } else {
          copyFromAncestor(own, entry, index, offset, src);
        }
        setOwn(map, index);
      }
      return true;
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** Makes part of an object read as zeros. */
  void zero(int index, long offset, long length) throws SheepException {
    StampedLock lock = locks.of(index);
    long stamp = lock.writeLock();
    try {
      gate.admits(Gate.ANYWHERE);
      zeroLocked(index, offset, length);
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** As {@link #zero}, up to the object's end, but leaves an object alone that has zeros there. */
  void zeroTail(int index, long offset) throws SheepException {
    StampedLock lock = locks.of(index);
    long stamp = lock.writeLock();
    try {
      int entry = settle(mapping, index);
      if (entry != ObjectIndex.HOLE && !readsAsZeros(entry, index, offset)) {
        zeroLocked(index, offset, objectBytes - offset);
      }
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** Makes holes of the objects {@code [from, to)}; the store frees what nobody else refers to. */
  void free(int from, int to) throws SheepException {
    for (int index = index().nextData(from, to); index < to; ) {
      int runEnd = Math.min(to, (index / ObjectLocks.RUN + 1) * ObjectLocks.RUN);
      freeRun(index, runEnd);
      index = index().nextData(runEnd, to);
    }
  }

  private void freeRun(int from, int to) throws SheepException {
    long[] stamps = locks.lockRun(from, to);
    try {
      gate.admits(Gate.ANYWHERE);
      Mapping map = mapping;
      int first = map.index().nextData(from, to);
      if (first == to) {
        return;
      }
      int last = to;
      while (map.index().get(last - 1) == ObjectIndex.HOLE) {
        last--;
      }
      try {
        map.inode().clearEntries(first, last);
      } catch (OutcomeUnknownException e) {
        for (int i = first; i < last; i++) {
          if (map.index().get(i) != ObjectIndex.HOLE) {
            map.index().set(i, ObjectIndex.UNKNOWN);
          }
        }
        throw e;
      }
      for (int i = first; i < last; i++) {
        map.index().set(i, ObjectIndex.HOLE);
      }
    } finally {
      locks.unlockRun(from, stamps);
    }
  }

  /** Reads the entries {@code [from, to)} again. No writer may be on its way there. */
  void reload(int from, int to) throws SheepException {
    Mapping map = mapping;
    map.inode().readEntries(from, to, map.index()::set);
  }

  private void zeroLocked(int index, long offset, long length) throws SheepException {
    Mapping map = mapping;
    int entry = settle(map, index);
    if (entry == ObjectIndex.HOLE) {
      return;
    }
    ObjectId own = objectId(map.vid(), index);
    if (entry == map.vid()) {
      store.discard(own, offset, length, Durability.UNSTABLE);
    } else {
      copyFromAncestor(own, entry, index, 0, NOTHING.duplicate());
      store.discard(own, offset, length, Durability.UNSTABLE);
      setOwn(map, index);
    }
  }

  private void overwrite(Mapping map, int index, long offset, ByteBuffer src)
      throws SheepException {
    try {
      store.write(objectId(map.vid(), index), offset, src, Durability.UNSTABLE);
    } catch (SheepException e) {
      throw damageIfMissing(e, map.vid(), index);
    }
  }

  /**
   * Makes an own copy of a shared object. It is stable at once: were the index to reach the disk
   * before the copy did, a power cut would leave a hole over data that was flushed long ago.
   */
  private void copyFromAncestor(ObjectId own, int owner, int index, long offset, ByteBuffer src)
      throws SheepException {
    try {
      store.createCopy(own, objectId(owner, index), offset, src, Durability.STABLE);
    } catch (SheepException e) {
      throw damageIfMissing(e, owner, index);
    }
  }

  private void setOwn(Mapping map, int index) throws SheepException {
    try {
      map.inode().writeEntry(index, map.vid());
    } catch (OutcomeUnknownException e) {
      map.index().set(index, ObjectIndex.UNKNOWN);
      throw e;
    }
    map.index().set(index, map.vid());
  }

  /** The entry as the inode has it. To be called under the exclusive lock. */
  private static int settle(Mapping map, int index) throws SheepException {
    int entry = map.index().get(index);
    if (entry == ObjectIndex.UNKNOWN) {
      entry = map.inode().readEntry(index);
      map.index().set(index, entry);
    }
    return entry;
  }

  private boolean readsAsZeros(int owner, int index, long offset) throws SheepException {
    int size = (int) Math.min(PROBE_BYTES, objectBytes - offset);
    ByteBuffer probe = ByteBuffer.allocate(size);
    for (long at = offset; at < objectBytes; at += probe.limit()) {
      probe.clear().limit((int) Math.min(size, objectBytes - at));
      try {
        store.read(objectId(owner, index), at, probe);
      } catch (SheepException e) {
        throw damageIfMissing(e, owner, index);
      }
      probe.flip();
      for (int i = 0; i < probe.limit(); i++) {
        if (probe.get(i) != 0) {
          return false;
        }
      }
    }
    return true;
  }

  /** Whether {@code e} says that an object is missing that should be there. */
  static boolean isMissingObject(SheepException e) {
    return e.getCause() instanceof SheepException cause && cause.result() == ResultCode.NO_OBJ;
  }

  private static SheepException damageIfMissing(SheepException e, int owner, int index) {
    return e.result() == ResultCode.NO_OBJ
        ? new SheepException(
            ResultCode.EIO, "object " + objectId(owner, index) + " is in the index but missing", e)
        : e;
  }

  private static ObjectId objectId(int owner, int index) {
    return ObjectId.data(new VdiId(owner), index);
  }

  private static void putZeros(ByteBuffer dst) {
    while (dst.hasRemaining()) {
      int count = Math.min(dst.remaining(), ZEROS.capacity());
      dst.put(dst.position(), ZEROS, 0, count).position(dst.position() + count);
    }
  }
}
