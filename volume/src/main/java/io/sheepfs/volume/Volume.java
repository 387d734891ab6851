package io.sheepfs.volume;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;

/**
 * An open VDI: a range of bytes that can be read, written, grown, shrunk and punched.
 *
 * <p><b>Threads.</b> Safe for any number of threads. Requests for different objects do not wait for
 * each other; changes of the size, {@link #snapshot}, {@link #becomeWritable}, {@link
 * #becomeReadOnly} and {@link #close} keep writers out while they work. A write that overlaps a
 * change of the size happens as a whole before or after it. Requests that cross objects are not
 * atomic to each other.
 *
 * <p><b>Durability.</b> What {@link #write}, {@link #discard} and {@link #resize} did survives the
 * death of this process when they return, and a power cut after the next {@link #flush}.
 *
 * <p><b>Failures.</b> {@link SheepException}. {@link ResultCode#READONLY}: the volume is open
 * read-only, or a snapshot. {@link ResultCode#VDI_NOT_LOCKED}: the lock was lost, or the volume is
 * closed. {@link ResultCode#EIO}: an object is missing or an inode damaged. A failed write may have
 * been carried out in part, but never moves the end of the volume.
 *
 * <h2>The end of the volume</h2>
 *
 * Growing writes data, then the size; shrinking writes the size (durably, for a power cut must not
 * keep the freeing and forget the size), then frees. So a crash can leave data behind the end. It
 * is never shown: before the volume grows over a region for the first time, the region is cleaned.
 * {@link #cleanEnd} says how far that was done.
 *
 * <p>Two locks order this. {@link #geometry} is held shared by writes that move the end, and
 * exclusively by whatever cleans or shrinks. Writes inside the volume do not take it: they look at
 * {@link #recordedSize} again under the lock of each object, which shrinking lowers before it takes
 * those locks; if the volume shrank under them they start over as writes that move the end.
 */
public final class Volume implements AutoCloseable {

  /** Regions behind the end are cleaned in steps of so many objects: 4 KiB of the index. */
  private static final int CLEAN_AHEAD_OBJECTS = 1024;

  /** A {@link #recordedSize} after a failure, when the inode may say anything. */
  private static final long NOT_RECORDED = -1;

  private final Cluster cluster;
  private final boolean frozen;
  private final int objectShift;
  private final long maxSizeBytes;
  private final DataObjects objects;

  private final ReentrantReadWriteLock geometry = new ReentrantReadWriteLock();
  private final ReentrantLock sizeLock = new ReentrantLock();

  /** What the header said when it was last read; the size in it is not kept up. */
  private volatile VdiInfo header;

  private volatile long sizeBytes;

  /**
   * What the inode surely says; less than {@link #sizeBytes} while it is being changed, and after a
   * failure until the size was written again.
   */
  private volatile long recordedSize;

  /** From {@link #sizeBytes} up to here nothing is allocated, and all reads as zeros. */
  private volatile long cleanEnd;

  private volatile @Nullable VdiLock lock;
  private volatile boolean closed;
  private volatile boolean dirty;
  private final AtomicInteger flushesOfDirt = new AtomicInteger();

  private Volume(Cluster cluster, Loaded loaded, @Nullable VdiLock lock) {
    this.cluster = cluster;
    this.header = loaded.info();
    this.frozen = header.isSnapshot();
    this.objectShift = header.blockSizeShift();
    this.maxSizeBytes = VdiSpec.maxSizeBytes(objectShift);
    this.sizeBytes = header.sizeBytes();
    this.recordedSize = sizeBytes;
    this.lock = lock;
    this.objects =
        new DataObjects(
            cluster.objects(),
            header.objectSizeBytes(),
            this::admits,
            loaded.inode(),
            loaded.index());
  }

  /**
   * Opens the working VDI of a name.
   *
   * @throws SheepException {@link ResultCode#NO_VDI}; to write, {@link ResultCode#VDI_LOCKED} if
   *     somebody else has it open for writing
   */
  public static Volume open(Cluster cluster, VdiName name, Access access) throws SheepException {
    if (access == Access.READ_ONLY) {
      return new Volume(cluster, load(cluster, cluster.vdis().lookup(name).vid()), null);
    }
    VdiLock lock = cluster.vdis().lock(name);
    try {
      return new Volume(cluster, load(cluster, lock.vdi().vid()), lock);
    } catch (SheepException | RuntimeException e) {
      closeAfter(e, lock);
      throw e;
    }
  }

  /**
   * Opens a snapshot, read-only for good.
   *
   * @throws IllegalArgumentException if it is no snapshot
   * @throws SheepException {@link ResultCode#NO_VDI} if it is gone
   */
  public static Volume open(Cluster cluster, VdiInfo snapshot) throws SheepException {
    if (!snapshot.isSnapshot()) {
      throw new IllegalArgumentException("not a snapshot: " + snapshot);
    }
    return new Volume(cluster, load(cluster, snapshot.vid()), null);
  }

  private record Loaded(Inode inode, VdiInfo info, ObjectIndex index) {}

  private static Loaded load(Cluster cluster, VdiId vid) throws SheepException {
    Inode inode = new Inode(cluster.objects(), vid);
    VdiInfo info = inode.readInfo();
    ObjectIndex index = new ObjectIndex();
    inode.readEntries(0, info.objectCount(), index::set);
    return new Loaded(inode, info, index);
  }

  /** The VDI as it is now. Its id changes at each snapshot. */
  public VdiInfo info() {
    VdiInfo then = header;
    return new VdiInfo(
        then.vid(),
        then.name(),
        then.tag(),
        then.snapshotId(),
        then.created(),
        then.snapshotTaken(),
        sizeBytes,
        then.copies(),
        then.blockSizeShift(),
        then.parent());
  }

  /** The size of the disk. */
  public long sizeBytes() {
    return sizeBytes;
  }

  /** The objects that the index names, shared ones included, times the object size. */
  public long allocatedBytes() {
    return (long) objects.index().allocated() << objectShift;
  }

  /** Whether the volume is open for writing; also true when the lock was lost meanwhile. */
  public boolean isWritable() {
    return lock != null;
  }

  /** Whether anything was written, or tried to, that no successful {@link #flush} covers yet. */
  public boolean isDirty() {
    // The second look is for a flush that failed, and set the mark again, between the first two.
    return dirty || flushesOfDirt.get() > 0 || dirty;
  }

  /**
   * Reads into {@code dst}. Holes are read without any input.
   *
   * @return the bytes read: fewer than {@code dst} has room for at the end of the volume, 0 at the
   *     end or behind it
   */
  public int read(long offset, ByteBuffer dst) throws SheepException {
    checkOffset(offset);
    checkOpen();
    int start = dst.position();
    try {
      return readOnce(offset, dst);
    } catch (SheepException e) {
      if (lock != null || frozen || !DataObjects.isMissingObject(e)) {
        throw e;
      }
      // The writer elsewhere has freed what our index still names.
      refresh();
      dst.position(start);
      return readOnce(offset, dst);
    }
  }

  private int readOnce(long offset, ByteBuffer dst) throws SheepException {
    int count = (int) Math.max(0, Math.min(dst.remaining(), sizeBytes - offset));
    readPieces(offset, dst, count);
    return count;
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

  /**
   * Writes all of {@code src}. Behind the end the volume grows; what lies between reads as zeros.
   *
   * @throws SizeLimitException if it would grow too large; nothing was written then
   */
  public void write(long offset, ByteBuffer src) throws IOException {
    checkOffset(offset);
    checkWritable();
    if (src.remaining() > maxSizeBytes - offset) {
      throw new SizeLimitException(header.name().value(), maxSizeBytes);
    }
    if (!src.hasRemaining()) {
      return;
    }
    int start = src.position();
    VdiId vid = objects.inode().vid();
    try {
      writeOnce(offset, src);
    } catch (SheepException e) {
      if (e.result() != ResultCode.READONLY) {
        throw e;
      }
      follow(vid, e);
      src.position(start);
      writeOnce(offset, src);
    } finally {
      markDirty();
    }
  }

  private void writeOnce(long offset, ByteBuffer src) throws SheepException {
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

  /**
   * Makes a range read as zeros and frees whole objects in it. What lies behind the end of the
   * volume is ignored.
   */
  public void discard(long offset, long length) throws SheepException {
    checkRange(offset, length);
    change(() -> discardOnce(offset, length));
  }

  /**
   * Makes a range read as zeros, as {@link #discard} does, and grows the volume to hold it.
   *
   * @throws SizeLimitException if it would grow too large; nothing has changed then
   */
  public void zero(long offset, long length) throws IOException {
    checkRange(offset, length);
    if (length > maxSizeBytes - offset) {
      throw new SizeLimitException(header.name().value(), maxSizeBytes);
    }
    change(
        () -> {
          discardOnce(offset, length);
          grow(offset + length);
        });
  }

  private void discardOnce(long offset, long length) throws SheepException {
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

  /**
   * Sets the size. What is cut off is freed; what is added reads as zeros.
   *
   * <p>If it fails with the new size in {@link #sizeBytes}, only some space was not given back.
   *
   * @throws SizeLimitException if it is too large; nothing has changed then
   */
  public void resize(long newSizeBytes) throws IOException {
    checkSize(newSizeBytes);
    change(
        () -> {
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
        });
  }

  /**
   * Makes the volume at least so large.
   *
   * @throws SizeLimitException if it is too large; nothing has changed then
   */
  public void ensureSize(long atLeastBytes) throws IOException {
    checkSize(atLeastBytes);
    change(() -> grow(atLeastBytes));
  }

  private void grow(long end) throws SheepException {
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
      cluster.objects().flush(objects.inode().vid());
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

  /**
   * The first byte at or behind {@code offset} in an allocated object.
   *
   * @return -1 if there is none
   */
  public long nextData(long offset) throws SheepException {
    checkOffset(offset);
    checkOpen();
    long size = sizeBytes;
    if (offset >= size) {
      return -1;
    }
    int index = objects.index().nextData((int) (offset >>> objectShift), objectCount(size));
    long found = Math.max(offset, (long) index << objectShift);
    return found < size ? found : -1;
  }

  /**
   * The first byte at or behind {@code offset} that is in no allocated object; the end of the
   * volume counts as one.
   *
   * @return -1 if {@code offset} is at the end or behind it
   */
  public long nextHole(long offset) throws SheepException {
    checkOffset(offset);
    checkOpen();
    long size = sizeBytes;
    if (offset >= size) {
      return -1;
    }
    int index = objects.index().nextHole((int) (offset >>> objectShift), objectCount(size));
    return Math.min(size, Math.max(offset, (long) index << objectShift));
  }

  /**
   * Makes durable, on every replica, all that was done before the call. When it fails, the volume
   * stays dirty and the next call tries again.
   */
  public void flush() throws SheepException {
    checkOpen();
    if (frozen) {
      return;
    }
    boolean wasDirty = isDirty();
    if (wasDirty && lock != null) {
      checkWritable();
    }
    flushesOfDirt.addAndGet(wasDirty ? 1 : 0);
    boolean done = false;
    try {
      dirty = false;
      if (recordedSize < sizeBytes) {
        grow(0);
      }
      VdiId vid = objects.inode().vid();
      cluster.objects().flush(vid);
      if (lock != null && followSnapshot()) {
        cluster.objects().flush(objects.inode().vid());
      }
      done = true;
    } finally {
      if (!done && wasDirty) {
        dirty = true;
      }
      flushesOfDirt.addAndGet(wasDirty ? -1 : 0);
    }
  }

  /**
   * Freezes the content as it is now under a tag, and goes on with the successor.
   *
   * @throws SheepException {@link ResultCode#VDI_EXIST} if the tag is taken
   */
  public void snapshot(SnapshotTag tag) throws SheepException {
    checkOpen();
    if (frozen) {
      throw new SheepException(ResultCode.READONLY, "take a snapshot of snapshot " + header.vid());
    }
    if (lock == null) {
      cluster.vdis().snapshot(header.name(), tag);
      refresh();
      return;
    }
    long[] stamps = quiesce();
    try {
      checkWritable();
      flushQuiesced();
      VdiInfo successor = cluster.vdis().snapshot(header.name(), tag);
      objects.replace(new Inode(cluster.objects(), successor.vid()), objects.index());
      header = successor;
      dirty = false;
    } finally {
      resume(stamps);
    }
  }

  /**
   * Takes the writer's lock and reads the inode again; nothing if the lock is held already.
   *
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if somebody else has it, {@link
   *     ResultCode#READONLY} for a snapshot, {@link ResultCode#VDI_NOT_LOCKED} if an earlier lock
   *     was lost with unflushed writes: those cannot be saved any more
   */
  public void becomeWritable() throws SheepException {
    long[] stamps = quiesce();
    try {
      checkOpen();
      if (frozen) {
        throw new SheepException(ResultCode.READONLY, "write to snapshot " + header.vid());
      }
      VdiLock old = lock;
      if (old != null) {
        if (old.isHeld()) {
          return;
        }
        if (isDirty()) {
          checkWritable();
        }
        old.close();
        lock = null;
      }
      VdiLock taken = cluster.vdis().lock(header.name());
      try {
        adopt(load(cluster, taken.vdi().vid()));
      } catch (SheepException | RuntimeException e) {
        closeAfter(e, taken);
        throw e;
      }
      lock = taken;
    } finally {
      resume(stamps);
    }
  }

  /** Flushes and lets the writer's lock go. When it fails the volume stays open for writing. */
  public void becomeReadOnly() throws SheepException {
    long[] stamps = quiesce();
    try {
      checkOpen();
      VdiLock held = lock;
      if (held != null) {
        checkWritable();
        flushQuiesced();
        dirty = false;
        lock = null;
        held.close();
      }
    } finally {
      resume(stamps);
    }
  }

  /** Takes over what others did to a VDI that is open read-only here; else does nothing. */
  public void refresh() throws SheepException {
    if (frozen || lock != null) {
      return;
    }
    Loaded loaded = load(cluster, cluster.vdis().lookup(header.name()).vid());
    long[] stamps = quiesce();
    try {
      checkOpen();
      if (lock == null) {
        adopt(loaded);
      }
    } finally {
      resume(stamps);
    }
  }

  /**
   * Flushes, lets the lock go and ends the use of the volume. If the flush fails the volume stays
   * open, and the lock taken, so that it can be tried again; {@link #abandon} gives up. If the lock
   * was lost there is nothing to try again: it closes, and fails if there were unflushed writes.
   * Closing twice does nothing.
   */
  @Override
  public void close() throws SheepException {
    long[] stamps = quiesce();
    try {
      if (closed) {
        return;
      }
      VdiLock held = lock;
      if (held != null && held.isHeld()) {
        flushQuiesced();
        dirty = false;
      }
      end(held);
      if (held != null && isDirty()) {
        throw lockLost();
      }
    } finally {
      resume(stamps);
    }
  }

  /** Closes without flushing: what was not flushed is as after the death of this process. */
  public void abandon() throws SheepException {
    long[] stamps = quiesce();
    try {
      if (!closed) {
        end(lock);
      }
    } finally {
      resume(stamps);
    }
  }

  private void end(@Nullable VdiLock held) throws SheepException {
    closed = true;
    if (held != null) {
      held.close();
    }
  }

  private interface Change {
    void run() throws SheepException;
  }

  /**
   * Runs a change that touches the inode. A sheep takes it even for a VDI that has become a
   * snapshot elsewhere, and would damage the snapshot: so we look first.
   */
  private void change(Change change) throws SheepException {
    checkWritable();
    VdiId vid = objects.inode().vid();
    try {
      if (followSnapshot()) {
        vid = objects.inode().vid();
      }
      change.run();
    } catch (SheepException e) {
      if (e.result() != ResultCode.READONLY) {
        throw e;
      }
      follow(vid, e);
      change.run();
    } finally {
      markDirty();
    }
  }

  /** Goes on with the successor if our VDI was made a snapshot elsewhere; returns whether. */
  private boolean followSnapshot() throws SheepException {
    Inode inode = objects.inode();
    if (!inode.isSnapshot()) {
      return false;
    }
    follow(inode.vid(), new SheepException(ResultCode.READONLY, "write to VDI " + inode.vid()));
    return true;
  }

  /**
   * Our VDI was made a snapshot elsewhere: looks the name up again and goes on with the successor.
   * As its only writer we know best what it holds; where a change of ours came too late for the
   * successor's copy of the inode, the copy is put right.
   *
   * @param stale the id that is a snapshot now
   * @param refusal thrown if the name still has that id
   */
  private void follow(VdiId stale, SheepException refusal) throws SheepException {
    long[] stamps = quiesce();
    try {
      if (objects.inode().vid().equals(stale)) {
        followQuiesced(stale, refusal);
      }
    } finally {
      resume(stamps);
    }
  }

  private void followQuiesced(VdiId stale, SheepException refusal) throws SheepException {
    checkWritable();
    VdiInfo successor = cluster.vdis().lookup(header.name());
    if (successor.vid().equals(stale)) {
      throw refusal;
    }
    Inode inode = new Inode(cluster.objects(), successor.vid());
    ObjectIndex ours = objects.index();
    inode.readEntries(
        0,
        objectCount(sizeBytes),
        (index, entry) -> {
          int our = ours.get(index);
          if (our != entry && our != ObjectIndex.UNKNOWN) {
            inode.writeEntry(index, our);
          }
        });
    if (successor.sizeBytes() != sizeBytes) {
      inode.writeSize(sizeBytes, Durability.UNSTABLE);
    }
    recordedSize = sizeBytes;
    cleanEnd = 0;
    objects.replace(inode, ours);
    header = successor;
    markDirty();
  }

  private void flushQuiesced() throws SheepException {
    if (objects.inode().isSnapshot()) {
      VdiId vid = objects.inode().vid();
      followQuiesced(vid, new SheepException(ResultCode.READONLY, "flush VDI " + vid));
    }
    if (recordedSize < sizeBytes) {
      recordSize(0);
    }
    cluster.objects().flush(objects.inode().vid());
  }

  private void adopt(Loaded loaded) {
    objects.replace(loaded.inode(), loaded.index());
    header = loaded.info();
    sizeBytes = header.sizeBytes();
    recordedSize = sizeBytes;
    cleanEnd = 0;
  }

  private long[] quiesce() {
    geometry.writeLock().lock();
    return objects.quiesce();
  }

  private void resume(long[] stamps) {
    objects.resume(stamps);
    geometry.writeLock().unlock();
  }

  private boolean admits(long end) throws SheepException {
    checkWritable();
    return end <= recordedSize;
  }

  private void checkOpen() throws SheepException {
    if (closed) {
      throw new SheepException(
          ResultCode.VDI_NOT_LOCKED, "VDI '" + header.name() + "' is closed here");
    }
  }

  private void checkWritable() throws SheepException {
    checkOpen();
    VdiLock held = lock;
    if (held == null) {
      throw new SheepException(
          ResultCode.READONLY, "VDI '" + header.name() + "' is open read-only");
    }
    if (!held.isHeld()) {
      throw lockLost();
    }
  }

  private SheepException lockLost() {
    return new SheepException(
        ResultCode.VDI_NOT_LOCKED, "the lock of VDI '" + header.name() + "' was lost");
  }

  private void checkSize(long size) throws SizeLimitException {
    if (size < 0) {
      throw new IllegalArgumentException("negative size: " + size);
    }
    if (size > maxSizeBytes) {
      throw new SizeLimitException(header.name().value(), maxSizeBytes);
    }
  }

  private static void checkOffset(long offset) {
    if (offset < 0) {
      throw new IllegalArgumentException("negative offset: " + offset);
    }
  }

  private static void checkRange(long offset, long length) {
    checkOffset(offset);
    if (length < 0) {
      throw new IllegalArgumentException("negative length: " + length);
    }
  }

  private void markDirty() {
    if (!dirty) {
      dirty = true;
    }
  }

  private long objectBytes() {
    return 1L << objectShift;
  }

  private int objectCount(long size) {
    return (int) ((size + objectBytes() - 1) >>> objectShift);
  }

  private static void closeAfter(Exception failure, VdiLock lock) {
    try {
      lock.close();
    } catch (SheepException e) {
      failure.addSuppressed(e);
    }
  }
}
