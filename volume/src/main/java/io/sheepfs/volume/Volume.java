package io.sheepfs.volume;

import io.sheepfs.protocol.Cluster;
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
 */
public final class Volume implements AutoCloseable {

  /** How often a request is tried while others take one snapshot after the other. */
  private static final int MAX_ATTEMPTS = 16;

  private final Cluster cluster;
  private final boolean frozen;
  private final long maxSizeBytes;
  private final Disk disk;

  /** What the header said when it was last read; the size in it is not kept up. */
  private volatile VdiInfo header;

  private volatile @Nullable VdiLock lock;
  private volatile boolean closed;
  private final Unflushed unflushed = new Unflushed();

  private Volume(Cluster cluster, Loaded loaded, @Nullable VdiLock lock) {
    this.cluster = cluster;
    this.header = loaded.info();
    this.frozen = header.isSnapshot();
    this.maxSizeBytes = VdiSpec.maxSizeBytes(header.blockSizeShift());
    this.lock = lock;
    this.disk =
        new Disk(cluster.objects(), header, loaded.inode(), loaded.index(), this::checkWritable);
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
    VdiLock lock = LockPatience.lock(cluster.vdis(), name);
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
        disk.sizeBytes(),
        then.copies(),
        then.blockSizeShift(),
        then.parent());
  }

  /** The size of the disk. */
  public long sizeBytes() {
    return disk.sizeBytes();
  }

  /** The objects that the index names, shared ones included, times the object size. */
  public long allocatedBytes() {
    return disk.allocatedBytes();
  }

  /** Whether the volume is open for writing; also true when the lock was lost meanwhile. */
  public boolean isWritable() {
    return lock != null;
  }

  /** Whether anything was written, or tried to, that no successful {@link #flush} covers yet. */
  public boolean isDirty() {
    return unflushed.any();
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
      return disk.read(offset, dst);
    } catch (SheepException e) {
      if (lock != null || frozen || !DataObjects.isMissingObject(e)) {
        throw e;
      }
      // The writer elsewhere has freed what our index still names.
      refresh();
      dst.position(start);
      return disk.read(offset, dst);
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
    for (int attempt = 1; ; attempt++) {
      VdiId vid = vid();
      long losses = losses();
      try {
        disk.write(offset, src);
        return;
      } catch (SheepException e) {
        followOrThrow(e, vid, attempt);
        src.position(start);
      } finally {
        unflushed.wrote(losses);
      }
    }
  }

  /**
   * Makes a range read as zeros and frees whole objects in it. What lies behind the end of the
   * volume is ignored.
   */
  public void discard(long offset, long length) throws SheepException {
    checkRange(offset, length);
    change(() -> disk.discard(offset, length));
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
          disk.discard(offset, length);
          disk.grow(offset + length);
        });
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
    change(() -> disk.resize(newSizeBytes));
  }

  /**
   * Makes the volume at least so large.
   *
   * @throws SizeLimitException if it is too large; nothing has changed then
   */
  public void ensureSize(long atLeastBytes) throws IOException {
    checkSize(atLeastBytes);
    change(() -> disk.grow(atLeastBytes));
  }

  /**
   * The first byte at or behind {@code offset} in an allocated object.
   *
   * @return -1 if there is none
   */
  public long nextData(long offset) throws SheepException {
    checkOffset(offset);
    checkOpen();
    return disk.nextData(offset);
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
    return disk.nextHole(offset);
  }

  /**
   * Makes durable, on every replica, all that was done before the call. When it fails, the volume
   * stays dirty and the next call tries again.
   *
   * @throws SheepException {@link ResultCode#EIO}, once, if the store lost some of it before
   */
  public void flush() throws SheepException {
    checkOpen();
    if (frozen) {
      return;
    }
    if (isDirty() && lock != null) {
      checkWritable();
    }
    flush(this::flushFollowing);
  }

  /** Runs what flushes, and checks that what it covers was still there. */
  private void flush(Change flushing) throws SheepException {
    long begun = unflushed.begin();
    boolean done = false;
    try {
      flushing.run();
      done = true;
    } finally {
      if (!done) {
        unflushed.failed(begun);
      }
    }
    if (!unflushed.covered(begun, this::losses)) {
      throw new SheepException(
          ResultCode.EIO,
          "flush VDI '"
              + header.name()
              + "': writes that were not flushed were lost with the machine of a sheep");
    }
  }

  /** Flushes what we are now, and again what we have become if a snapshot came in between. */
  private void flushFollowing() throws SheepException {
    for (int attempt = 1; ; attempt++) {
      VdiId vid = vid();
      try {
        disk.settleSize();
        cluster.objects().flush(vid);
        boolean mayBeLate = lock != null && disk.inode().mayBeWrittenLate();
        if (!mayBeLate || attempt == MAX_ATTEMPTS || !followSnapshot()) {
          return;
        }
      } catch (SheepException e) {
        if (lock == null) {
          throw e;
        }
        followOrThrow(e, vid, attempt);
      }
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
    long[] stamps = disk.quiesce();
    try {
      checkWritable();
      flushQuiesced();
      VdiInfo successor = cluster.vdis().snapshot(header.name(), tag);
      disk.continueAs(new Inode(cluster.objects(), successor.vid()));
      header = successor;
    } finally {
      disk.resume(stamps);
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
    long[] stamps = disk.quiesce();
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
      VdiLock taken = LockPatience.lock(cluster.vdis(), header.name());
      try {
        adopt(load(cluster, taken.vdi().vid()));
      } catch (SheepException | RuntimeException e) {
        closeAfter(e, taken);
        throw e;
      }
      lock = taken;
    } finally {
      disk.resume(stamps);
    }
  }

  /** Flushes and lets the writer's lock go. When it fails the volume stays open for writing. */
  public void becomeReadOnly() throws SheepException {
    long[] stamps = disk.quiesce();
    try {
      checkOpen();
      VdiLock held = lock;
      if (held != null) {
        checkWritable();
        flushQuiesced();
        lock = null;
        held.close();
      }
    } finally {
      disk.resume(stamps);
    }
  }

  /** Takes over what others did to a VDI that is open read-only here; else does nothing. */
  public void refresh() throws SheepException {
    if (frozen || lock != null) {
      return;
    }
    Loaded loaded = load(cluster, cluster.vdis().lookup(header.name()).vid());
    long[] stamps = disk.quiesce();
    try {
      checkOpen();
      if (lock == null) {
        adopt(loaded);
      }
    } finally {
      disk.resume(stamps);
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
    long[] stamps = disk.quiesce();
    try {
      if (closed) {
        return;
      }
      VdiLock held = lock;
      if (held != null && held.isHeld()) {
        flushQuiesced();
      }
      end(held);
      if (held != null && isDirty()) {
        throw lockLost();
      }
    } finally {
      disk.resume(stamps);
    }
  }

  /** Closes without flushing: what was not flushed is as after the death of this process. */
  public void abandon() throws SheepException {
    long[] stamps = disk.quiesce();
    try {
      if (!closed) {
        end(lock);
      }
    } finally {
      disk.resume(stamps);
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
    for (int attempt = 1; ; attempt++) {
      followSnapshot();
      VdiId vid = vid();
      long losses = losses();
      try {
        change.run();
        return;
      } catch (SheepException e) {
        followOrThrow(e, vid, attempt);
      } finally {
        unflushed.wrote(losses);
      }
    }
  }

  /**
   * Prepares for another attempt if a request met a snapshot that was taken elsewhere.
   *
   * @param vid what our id was before the request
   */
  private void followOrThrow(SheepException failure, VdiId vid, int attempt) throws SheepException {
    if (failure.result() != ResultCode.READONLY || attempt == MAX_ATTEMPTS) {
      throw failure;
    }
    follow(vid, failure);
  }

  /** Goes on with the successor if our VDI was made a snapshot elsewhere; returns whether. */
  private boolean followSnapshot() throws SheepException {
    Inode inode = disk.inode();
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
    long[] stamps = disk.quiesce();
    try {
      if (vid().equals(stale)) {
        followQuiesced(stale, refusal);
      }
    } finally {
      disk.resume(stamps);
    }
  }

  private void followQuiesced(VdiId stale, SheepException refusal) throws SheepException {
    checkWritable();
    VdiInfo successor = cluster.vdis().lookup(header.name());
    if (successor.vid().equals(stale)) {
      throw refusal;
    }
    cluster.objects().continueAs(stale, successor.vid());
    long losses = cluster.objects().losses(successor.vid());
    try {
      disk.moveTo(new Inode(cluster.objects(), successor.vid()), successor.sizeBytes());
    } finally {
      unflushed.wrote(losses);
    }
    header = successor;
  }

  private void flushQuiesced() throws SheepException {
    if (disk.inode().isSnapshot()) {
      VdiId vid = vid();
      followQuiesced(vid, new SheepException(ResultCode.READONLY, "flush VDI " + vid));
    }
    for (int attempt = 1; ; attempt++) {
      VdiId vid = vid();
      try {
        flush(
            () -> {
              disk.settleSize();
              cluster.objects().flush(vid);
            });
        return;
      } catch (SheepException e) {
        if (e.result() != ResultCode.READONLY || attempt == MAX_ATTEMPTS) {
          throw e;
        }
        followQuiesced(vid, e);
      }
    }
  }

  private void adopt(Loaded loaded) {
    disk.adopt(loaded.inode(), loaded.index(), loaded.info().sizeBytes());
    header = loaded.info();
  }

  /** To be asked before a write that it is to cover. */
  private long losses() {
    return cluster.objects().losses(vid());
  }

  private VdiId vid() {
    return disk.inode().vid();
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
    while (held != null && !held.isHeld()) {
      VdiLock now = lock;
      if (now == held) {
        throw lockLost();
      }
      held = now; // it was let go here, a moment ago
    }
    if (held == null) {
      throw new SheepException(
          ResultCode.READONLY, "VDI '" + header.name() + "' is open read-only");
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

  private static void closeAfter(Exception failure, VdiLock lock) {
    try {
      lock.close();
    } catch (SheepException e) {
      failure.addSuppressed(e);
    }
  }
}
