package io.sheepfs.volume;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiSpec;
import java.nio.ByteBuffer;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongPredicate;

/**
 * The bytes of an open VDI: its objects put end to end, with an end that moves. {@link Volume} says
 * what the methods promise; here is nothing of locks on the VDI, nor of what is dirty.
 *
 * <h2>The end</h2>
 *
 * Growing writes data, then the size; shrinking writes the size (durably, for a power cut must not
 * keep the freeing and forget the size), then frees. So a crash can leave data behind the end. It
 * is never shown: before the volume grows over a region for the first time since it was opened or
 * shrunk, the region is cleaned. That is flushed, for a power cut must not keep the growth and
 * forget the cleaning. {@link #cleanEnd} says how far it was done.
 *
 * <p>Two locks order this. {@link #geometry} is held shared by writes that move the end, and
 * exclusively by whatever cleans or shrinks. Writes inside the volume do not take it: they look at
 * {@link #recordedSize} again under the lock of each object, which shrinking lowers before it takes
 * those locks; if the volume shrank under them they start over as writes that move the end.
 */
final class Disk {

  /** Regions behind the end are cleaned in steps of so many objects: 4 KiB of the index. */
  private static final int CLEAN_AHEAD_OBJECTS = 1024;

  /** A {@link #recordedSize} after a failure, when the inode may say anything. */
  private static final long NOT_RECORDED = -1;

  /** Asked before each change of an object, under its lock. */
  interface Permission {
    /** Throws if the disk cannot be written now. */
    void check() throws SheepException;
  }

  private final ObjectStore store;
  private final Permission permission;
  private final int objectShift;
  private final long maxSizeBytes;
  private final DataObjects objects;
  private final ReadAhead readAhead = new ReadAhead(this::expect);

  private final ReentrantReadWriteLock geometry = new ReentrantReadWriteLock();
  private final ReentrantLock sizeLock = new ReentrantLock();

  private volatile long sizeBytes;

  /**
   * What the inode surely says; less than {@link #sizeBytes} while it is being changed, and after a
   * failure until the size was written again.
   */
  private volatile long recordedSize;

  /** From {@link #sizeBytes} up to here nothing is allocated, and all reads as zeros. */
  private volatile long cleanEnd;

  Disk(ObjectStore store, VdiInfo info, Inode inode, ObjectIndex index, Permission permission) {
    this.store = store;
    this.permission = permission;
    this.objectShift = info.blockSizeShift();
    this.maxSizeBytes = VdiSpec.maxSizeBytes(objectShift);
    this.sizeBytes = info.sizeBytes();
    this.recordedSize = sizeBytes;
    this.objects = new DataObjects(store, info.objectSizeBytes(), this::admits, inode, index);
  }

  long sizeBytes() {
    return sizeBytes;
  }

  long allocatedBytes() {
    return (long) objects.index().allocated() << objectShift;
  }

  Inode inode() {
    return objects.inode();
  }

  int read(long offset, ByteBuffer dst) throws SheepException {
    int count = (int) Math.max(0, Math.min(dst.remaining(), sizeBytes - offset));
    readAhead.reading(offset, count, sizeBytes);
    readPieces(offset, dst, count);
    return count;
  }

  /** Has the store fetch what is allocated of a range; in pieces, as {@link ReadAhead} says. */
  private void expect(long from, long to, LongPredicate wanted) {
    for (long at = from; at < to; ) {
      long end = Math.min(to, (at / ReadAhead.PIECE_BYTES + 1) * ReadAhead.PIECE_BYTES);
      objects.expect((int) (at >>> objectShift), at & (objectBytes() - 1), end - at, wanted, end);
      at = end;
    }
  }

  private void readPieces(long offset, ByteBuffer dst, int count) throws SheepException {
    int limit = dst.limit();
    int end = dst.position() + count;
    long at = offset;
    try {
      while (dst.position() < end) {
        long inObject = at & (objectBytes() - 1);
        int piece = (int) Math.min(end - dst.position(), objectBytes() - inObject);
        dst.limit(dst.position() + piece);
        objects.read((int) (at >>> objectShift), inObject, dst);
        at += piece;
      }
    } finally {
      dst.limit(limit);
    }
  }

  void write(long offset, ByteBuffer src) throws SheepException {
    int start = src.position();
    long end = offset + src.remaining();
    if (end <= recordedSize && writePieces(offset, src, end)) {
      return;
    }
    src.position(start);
    lockToGrow(end);
    boolean done = false;
    try {
      writePieces(offset, src, DataObjects.Gate.ANYWHERE);
      recordSize(end);
      done = true;
    } finally {
      if (!done) {
        cleanEnd = 0;
      }
      geometry.readLock().unlock();
    }
  }

  /**
   * Writes object by object.
   *
   * @param end where the volume must still reach to; else it stops and returns false
   */
  private boolean writePieces(long offset, ByteBuffer src, long end) throws SheepException {
    int limit = src.limit();
    long at = offset;
    try {
      while (src.position() < limit) {
        long inObject = at & (objectBytes() - 1);
        int piece = (int) Math.min(limit - src.position(), objectBytes() - inObject);
        src.limit(src.position() + piece);
        if (!objects.write((int) (at >>> objectShift), inObject, src, end)) {
          return false;
        }
        at += piece;
      }
    } finally {
      src.limit(limit);
    }
    return true;
  }

  void discard(long offset, long length) throws SheepException {
    long size = sizeBytes;
    if (length == 0 || offset >= size) {
      return;
    }
    long end = offset + Math.min(length, size - offset);
    int firstWhole = (int) ((offset + objectBytes() - 1) >>> objectShift);
    int behindWhole = (int) (end >>> objectShift);
    if (firstWhole > behindWhole) {
      objects.zero(behindWhole, offset & (objectBytes() - 1), end - offset);
      return;
    }
    long head = ((long) firstWhole << objectShift) - offset;
    if (head > 0) {
      objects.zero(firstWhole - 1, objectBytes() - head, head);
    }
    objects.free(firstWhole, behindWhole);
    long tail = end & (objectBytes() - 1);
    if (tail > 0 && !freeLast(behindWhole, end)) {
      objects.zero(behindWhole, 0, tail);
    }
  }

  /** Frees the last object of the volume, of which only the part before {@code end} is used. */
  private boolean freeLast(int index, long end) throws SheepException {
    geometry.writeLock().lock();
    try {
      if (end < sizeBytes) {
        return false;
      }
      objects.free(index, index + 1);
      return true;
    } finally {
      geometry.writeLock().unlock();
    }
  }

  void resize(long newSizeBytes) throws SheepException {
    geometry.writeLock().lock();
    try {
      if (newSizeBytes < sizeBytes) {
        shrink(newSizeBytes);
      } else {
        grow(newSizeBytes);
      }
    } finally {
      geometry.writeLock().unlock();
    }
  }

  void grow(long end) throws SheepException {
    lockToGrow(end);
    try {
      recordSize(end);
    } finally {
      geometry.readLock().unlock();
    }
  }

  private void shrink(long newSize) throws SheepException {
    int used = objectCount(sizeBytes);
    recordedSize = newSize;
    cleanEnd = 0;
    objects.inode().writeSize(newSize, Durability.STABLE);
    sizeBytes = newSize;
    objects.free(objectCount(newSize), used);
    long tail = newSize & (objectBytes() - 1);
    if (tail > 0) {
      objects.zeroTail((int) (newSize >>> objectShift), tail);
    }
  }

  /** Takes {@link #geometry} shared, with everything clean up to {@code end}. */
  private void lockToGrow(long end) throws SheepException {
    boolean clean = false;
    geometry.readLock().lock();
    try {
      clean = end <= Math.max(sizeBytes, cleanEnd);
    } finally {
      if (!clean) {
        geometry.readLock().unlock();
      }
    }
    if (clean) {
      return;
    }
    geometry.writeLock().lock();
    try {
      if (end > Math.max(sizeBytes, cleanEnd)) {
        clean(end);
      }
      geometry.readLock().lock();
    } finally {
      geometry.writeLock().unlock();
    }
  }

  /** Removes what a crash or a failure left between the end of the volume and {@code end}. */
  private void clean(long end) throws SheepException {
    long step = (long) CLEAN_AHEAD_OBJECTS << objectShift;
    long target = Math.min(maxSizeBytes, (end + step - 1) / step * step);
    boolean firstTime = cleanEnd == 0;
    int from = objectCount(Math.max(sizeBytes, cleanEnd));
    int to = objectCount(target);
    objects.reload(from, to);
    boolean found = objects.index().nextData(from, to) < to;
    objects.free(from, to);
    long tail = sizeBytes & (objectBytes() - 1);
    if (firstTime && tail > 0) {
      objects.zeroTail((int) (sizeBytes >>> objectShift), tail);
    }
    if (firstTime || found) {
      store.flush(objects.inode().vid());
    }
    cleanEnd = target;
  }

  /** Moves the end to {@code end}, unless it is behind it. */
  private void recordSize(long end) throws SheepException {
    sizeLock.lock();
    try {
      long target = Math.max(sizeBytes, end);
      if (target > recordedSize) {
        recordedSize = NOT_RECORDED;
        objects.inode().writeSize(target, Durability.UNSTABLE);
        recordedSize = target;
      }
      sizeBytes = target;
    } finally {
      sizeLock.unlock();
    }
  }

  /** Writes the size to the inode if an earlier attempt failed. */
  void settleSize() throws SheepException {
    if (recordedSize < sizeBytes) {
      grow(0);
    }
  }

  long nextData(long offset) {
    long size = sizeBytes;
    if (offset >= size) {
      return -1;
    }
    int index = objects.index().nextData((int) (offset >>> objectShift), objectCount(size));
    long found = Math.max(offset, (long) index << objectShift);
    return found < size ? found : -1;
  }

  long nextHole(long offset) {
    long size = sizeBytes;
    if (offset >= size) {
      return -1;
    }
    int index = objects.index().nextHole((int) (offset >>> objectShift), objectCount(size));
    return Math.min(size, Math.max(offset, (long) index << objectShift));
  }

  /** Keeps all writers out, and the size still, until {@link #resume}. */
  long[] quiesce() {
    geometry.writeLock().lock();
    return objects.quiesce();
  }

  void resume(long[] stamps) {
    objects.resume(stamps);
    geometry.writeLock().unlock();
  }

  /** Goes on with an inode that is a copy of ours. To be called while quiet. */
  void continueAs(Inode copy) {
    objects.replace(copy, objects.index());
  }

  /** Goes on with what another inode says. To be called while quiet. */
  void adopt(Inode inode, ObjectIndex index, long newSizeBytes) {
    objects.replace(inode, index);
    sizeBytes = newSizeBytes;
    recordedSize = newSizeBytes;
    cleanEnd = 0;
  }

  /**
   * Goes on with an inode that was copied from ours at some time before now, and puts right what
   * the copy missed. To be called while quiet.
   *
   * @param copiedSizeBytes the size that the copy says
   */
  void moveTo(Inode copy, long copiedSizeBytes) throws SheepException {
    ObjectIndex ours = objects.index();
    copy.readEntries(
        0,
        objectCount(sizeBytes),
        (index, entry) -> {
          int our = ours.get(index);
          if (entry == copy.vid().value()) {
            ours.set(index, entry); // what had been held back was moved there
          } else if (our != entry && our != ObjectIndex.UNKNOWN) {
            copy.writeEntry(index, our);
          }
        });
    if (copiedSizeBytes != sizeBytes) {
      copy.writeSize(sizeBytes, Durability.UNSTABLE);
    }
    adopt(copy, ours, sizeBytes);
  }

  private boolean admits(long end) throws SheepException {
    permission.check();
    return end <= recordedSize;
  }

  private long objectBytes() {
    return 1L << objectShift;
  }

  private int objectCount(long size) {
    return (int) ((size + objectBytes() - 1) >>> objectShift);
  }
}
