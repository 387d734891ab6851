package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One object in the cache. The lock is held for work on memory and on the cache's disk, never while
 * the store is asked. All fields are guarded by it; the volatile ones may be read without.
 */
final class CachedObject {

  private static final Logger log = LoggerFactory.getLogger(CachedObject.class);
  private static final int IN_BLOCK = BlockMap.BLOCK_BYTES - 1;

  /**
   * No incarnation of a store: that of an earlier process, whose store may have lost since what it
   * was given, or was just being given it again.
   */
  private static final long UNKNOWN = -1;

  /** A read of the store that is on its way. What it brings is void once it is spoiled. */
  static final class Fetch {
    final int from;
    final int to;
    boolean spoiled;

    Fetch(int from, int to) {
      this.from = from;
      this.to = to;
    }
  }

  final ObjectId oid;
  final VdiCache vdi;
  final StampedLock lock = new StampedLock();
  final List<Fetch> fetches = new ArrayList<>();

  /** Blocks of which a push is on its way. */
  final BitSet inFlight = new BitSet();

  /** Dirty blocks that the store has, or is just being given, as they are here. */
  final BitSet current = new BitSet();

  /** Dirty blocks that the flush of the VDI on its way makes durable, if it succeeds. */
  final BitSet flushing = new BitSet();

  /** Given when a push, a fetch or a change of the object as a whole has ended. */
  final Signal ended = new Signal();

  private final Counters counters;
  private final BlockSums sums;
  @Nullable BlockMap map;
  @Nullable ObjectFile file;

  /** Whether the store is known to have the object, so that a write needs not ask. */
  boolean known;

  /** Out of the cache: whoever meets it looks again. */
  boolean dead;

  /** The object is being replaced, removed or written through. */
  boolean busy;

  /** How it was made, if the store has not flushed it since. */
  volatile @Nullable Origin origin;

  /**
   * If there is an origin: under which incarnation of the store it was made, or {@link #UNKNOWN}.
   */
  volatile long madeUnder;

  /** The store could not flush what it was given: the object must be created anew. */
  boolean remake;

  /** The store has changes of it that it has not flushed, and that are not dirty here. */
  boolean unproved;

  /** All of those are covered by the flush of the VDI on its way. */
  boolean proving;

  /** Held by who makes the object again; the one lock that is held while the store is asked. */
  final Object restoring = new Object();

  /** Under which incarnation of the store its {@code current} blocks were pushed. */
  private long pushedUnder;

  /** Whether the file was used since {@link OpenFiles} looked; a hint, so races do no harm. */
  private volatile boolean used;

  volatile int dirtyCount;
  volatile int validCount;
  volatile long dirtySinceNanos;

  CachedObject(ObjectId oid, VdiCache vdi, Counters counters) {
    this.oid = oid;
    this.vdi = vdi;
    this.counters = counters;
    this.sums = new BlockSums(oid);
  }

  int blocks() {
    return 1 << (vdi.blockSizeShift - BlockMap.BLOCK_SHIFT);
  }

  boolean isValid(int from, int to) {
    return map != null && map.nextInvalid(from, to) == to;
  }

  /** Whether a fetch of a block is on its way that will count. */
  boolean isFetched(int block) {
    for (Fetch fetch : fetches) {
      if (!fetch.spoiled && fetch.from <= block && block < fetch.to) {
        return true;
      }
    }
    return false;
  }

  /** Up to where the blocks from {@code from} on are all valid, or all not. */
  int endOfRun(int from, int to) {
    if (map == null) {
      return to;
    }
    return map.isValid(from) ? map.nextInvalid(from, to) : map.nextValid(from, to);
  }

  boolean isDirty(int block) {
    return map != null && map.isDirty(block);
  }

  /** Makes sure that there are a file and a slot. */
  void prepare(CacheDisk disk) throws IOException {
    if (file == null) {
      file = disk.open(vdi.vid, oid.index());
      vdi.files.opened(this);
    }
    if (map == null) {
      map = vdi.allocate(disk, oid.index());
      map.setOrigin(Origin.toWord(origin));
    }
  }

  /**
   * Forgets a file that was closed under us, by an interrupt, so that it is opened again. One that
   * failed otherwise stays: a disk that takes no writes may not let us open it again, and what is
   * dirty in it must be read.
   */
  void fileFailed(IOException e) {
    if (e instanceof ClosedChannelException) {
      file = null;
    }
  }

  /** Puts blocks that the store has, and that are absent here, into the cache. */
  void install(CacheDisk disk, int from, ByteBuffer bytes) throws IOException {
    prepare(disk);
    int start = bytes.position();
    int to = from + (bytes.remaining() >>> BlockMap.BLOCK_SHIFT);
    file().write(bytes, (long) from << BlockMap.BLOCK_SHIFT);
    sums.set(map(), bytes, start, from, to);
    countValid(map().setValid(from, to));
    markClean(from, to);
  }

  /**
   * Reads valid blocks, or parts of them.
   *
   * @throws DamagedBlock if the bytes of one are not what was written
   */
  void read(ByteBuffer dst, long offset) throws IOException {
    if (!used) {
      used = true;
    }
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = blockAfter(offset + dst.remaining());
    int start = dst.position();
    if (((offset | dst.remaining()) & IN_BLOCK) == 0) {
      file().read(dst, offset);
      sums.verify(map(), dst, start, from, to);
      return;
    }
    ByteBuffer whole = ByteBuffer.allocate((to - from) << BlockMap.BLOCK_SHIFT);
    file().read(whole, (long) from << BlockMap.BLOCK_SHIFT);
    sums.verify(map(), whole, 0, from, to);
    int skip = (int) (offset & IN_BLOCK);
    dst.put(whole.limit(skip + dst.remaining()).position(skip));
  }

  /**
   * Takes a write of blocks that are valid, or are overwritten whole.
   *
   * <p>A valid block becomes dirty before its bytes change, and an absent one gets its bytes before
   * it becomes dirty and then valid. So whenever the process dies, a block that is not dirty is as
   * the store has it, and a block that is valid was written whole. It is open while its bytes and
   * its checksum may differ; it stays so if this fails, and is partly written then.
   *
   * @throws DamagedBlock if a block of which a part stays is damaged; nothing is changed
   */
  void write(CacheDisk disk, long offset, ByteBuffer src, long nowNanos) throws IOException {
    prepare(disk);
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = blockAfter(offset + src.remaining());
    boolean partial = ((offset | src.remaining()) & IN_BLOCK) != 0;
    ByteBuffer whole = partial ? withTheRest(from, to, offset, src) : src;
    int start = whole.position();
    used = true;
    spoil(from, to);
    current.clear(from, to);
    flushing.clear(from, to);
    map().setOpen(from, to);
    countDirty(map().setDirtyWhereValid(from, to), nowNanos);
    file().write(whole, (long) from << BlockMap.BLOCK_SHIFT);
    sums.set(map(), whole, start, from, to);
    countDirty(map().setDirty(from, to), nowNanos);
    countValid(map().setValid(from, to));
    src.position(src.limit());
  }

  /** A write with what stays of its first and its last block. */
  private ByteBuffer withTheRest(int from, int to, long offset, ByteBuffer src) throws IOException {
    ByteBuffer whole = ByteBuffer.allocate((to - from) << BlockMap.BLOCK_SHIFT);
    int skip = (int) (offset & IN_BLOCK);
    if (skip != 0 || src.remaining() < BlockMap.BLOCK_BYTES) {
      read(whole.limit(BlockMap.BLOCK_BYTES), (long) from << BlockMap.BLOCK_SHIFT);
    }
    int last = (to - from - 1) << BlockMap.BLOCK_SHIFT;
    if (to - from > 1 && ((skip + src.remaining()) & IN_BLOCK) != 0) {
      whole.limit(whole.capacity()).position(last);
      read(whole, (long) (to - 1) << BlockMap.BLOCK_SHIFT);
    }
    whole.clear().position(skip);
    return whole.put(src.duplicate()).rewind();
  }

  /**
   * Puts blocks into the cache, where they are absent, that the store has been given, but has not
   * flushed: dirty, and pushed.
   */
  void installPushed(CacheDisk disk, int from, ByteBuffer bytes, long nowNanos) throws IOException {
    prepare(disk);
    int start = bytes.position();
    int to = from + (bytes.remaining() >>> BlockMap.BLOCK_SHIFT);
    file().write(bytes, (long) from << BlockMap.BLOCK_SHIFT);
    sums.set(map(), bytes, start, from, to);
    countDirty(map().setDirty(from, to), nowNanos);
    countValid(map().setValid(from, to));
    current.set(from, to);
  }

  /** Notes that pushes begin; what was pushed under another incarnation goes again. */
  void pushingUnder(long incarnation) {
    if (pushedUnder != incarnation) {
      pushedUnder = incarnation;
      current.clear();
      flushing.clear();
    }
  }

  void setOrigin(@Nullable Origin made) {
    origin = made;
    if (map != null) {
      map.setOrigin(Origin.toWord(made));
    }
    if (made == null) {
      vdi.made.remove(this);
    } else {
      vdi.made.add(this);
    }
  }

  /** Notes that the store has changes, not flushed, that are not dirty here. */
  void setUnproved() {
    unproved = true;
    proving = false;
  }

  /** The store has been given all dirty blocks as they are. */
  void allCurrent() {
    for (int block = 0; map != null && block < blocks(); block++) {
      current.set(block, map.isDirty(block));
    }
  }

  /** The store has these dirty blocks for good. */
  void markClean(int from, int to) {
    if (map != null) {
      countDirty(-map.clearDirty(from, to), 0);
    }
    current.clear(from, to);
    flushing.clear(from, to);
  }

  /** Forgets blocks, dirty or not. */
  void drop(int from, int to) {
    spoil(from, to);
    if (map != null) {
      countValid(-map.clearValid(from, to));
      map.clearOpen(from, to);
    }
    markClean(from, to);
  }

  /**
   * Forgets all there is, dirty or not. How it was made first: it must not be made again without
   * what was written to it.
   */
  void dropAll() {
    setOrigin(null);
    drop(0, blocks());
  }

  /** Forgets the blocks that are not dirty. */
  void dropClean(int from, int to) {
    spoil(from, to);
    if (map == null) {
      return;
    }
    for (int block = map.nextNotDirty(from, to); block < to; ) {
      int end = map.nextDirty(block, to);
      countValid(-map.clearValid(block, end));
      block = map.nextNotDirty(end, to);
    }
  }

  /** Counts what the map of an earlier process says; half-made blocks are absent. */
  void recover(BlockMap found, long nowNanos) {
    map = found;
    known = true;
    for (int block = found.nextInvalid(0, blocks()); block < blocks(); ) {
      int end = found.nextValid(block, blocks());
      found.clearDirty(block, end);
      block = found.nextInvalid(end, blocks());
    }
    int valid = 0;
    int dirty = 0;
    for (int block = found.nextValid(0, blocks()); block < blocks(); ) {
      valid++;
      dirty += found.isDirty(block) ? 1 : 0;
      block = found.nextValid(block + 1, blocks());
    }
    countValid(valid);
    countDirty(dirty, nowNanos);
    setOrigin(Origin.ofWord(found.origin()));
    madeUnder = UNKNOWN;
    unproved = true; // nobody knows what the earlier process had passed on
  }

  /** Gives the blocks that an earlier process was just writing the checksum of what is there. */
  void close(CacheDisk disk) throws IOException {
    BlockMap found = map();
    for (int block = found.nextOpen(0, blocks()); block < blocks(); ) {
      if (found.isValid(block)) {
        prepare(disk);
        ByteBuffer bytes = ByteBuffer.allocate(BlockMap.BLOCK_BYTES);
        file().read(bytes, (long) block << BlockMap.BLOCK_SHIFT);
        sums.set(map(), bytes, 0, block, block + 1);
      } else {
        found.clearOpen(block, block + 1);
      }
      block = found.nextOpen(block + 1, blocks());
    }
  }

  /**
   * Takes note of a damaged block; a clean one is forgotten, and can be fetched again. Under the
   * exclusive lock.
   *
   * @throws SheepException if it is dirty, so that nobody else has its bytes
   */
  void damaged(DamagedBlock damage) throws SheepException {
    int block = damage.block();
    if (!isValid(block, block + 1)) {
      return; // somebody else found it, too
    }
    counters.damaged.increment();
    if (isDirty(block)) {
      throw new SheepException(ResultCode.EIO, "read a block that was not flushed yet", damage);
    }
    log.warn("{}; the store has it, too", damage.getMessage());
    drop(block, block + 1);
  }

  void spoil(int from, int to) {
    for (Fetch fetch : fetches) {
      if (fetch.from < to && from < fetch.to) {
        fetch.spoiled = true;
      }
    }
  }

  /** Whether the file was used since this was called last. */
  boolean takeUsed() {
    boolean before = used;
    used = false;
    return before;
  }

  static int blockAfter(long end) {
    return (int) ((end + BlockMap.BLOCK_BYTES - 1) >>> BlockMap.BLOCK_SHIFT);
  }

  BlockMap map() {
    if (map == null) {
      throw new IllegalStateException("no map: " + oid);
    }
    return map;
  }

  ObjectFile file() {
    if (file == null) {
      throw new IllegalStateException("no file: " + oid);
    }
    return file;
  }

  private void countValid(int change) {
    int valid = validCount + change;
    validCount = valid;
    counters.validBlocks.add(change);
    vdi.share.validBlocks.add(change);
  }

  private void countDirty(int change, long nowNanos) {
    if (change == 0) {
      return;
    }
    if (dirtyCount == 0) {
      dirtySinceNanos = nowNanos;
      vdi.dirty.add(this);
    }
    int dirty = dirtyCount + change;
    dirtyCount = dirty;
    counters.dirtyBlocks.addAndGet(change);
    vdi.share.dirtyBlocks.addAndGet(change);
    if (dirtyCount == 0) {
      vdi.dirty.remove(this);
    }
  }

  /** Fails if the object contradicts itself. Under the lock. */
  void assertInvariants() {
    int valid = 0;
    int dirty = 0;
    for (int i = 0; map != null && i < blocks(); i++) {
      valid += map.isValid(i) ? 1 : 0;
      dirty += map.isDirty(i) ? 1 : 0;
      check(!map.isDirty(i) || map.isValid(i), "a dirty block is valid");
      check(!current.get(i) || map.isDirty(i) || inFlight.get(i), "only dirty blocks are current");
      check(!flushing.get(i) || current.get(i), "a block being flushed is as the store has it");
    }
    check(valid == validCount, "valid blocks are counted");
    check(dirty == dirtyCount, "dirty blocks are counted");
    check(vdi.dirty.contains(this) == dirty > 0, "dirty objects are listed");
    check(map == null || !dead, "a dead object has no map");
  }

  private void check(boolean holds, String what) {
    if (!holds) {
      throw new IllegalStateException("does not hold for " + oid + ": " + what);
    }
  }
}
