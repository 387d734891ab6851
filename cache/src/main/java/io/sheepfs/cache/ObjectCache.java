package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * The disk object cache: an object store in front of another. Safe for any number of threads.
 *
 * <h2>What holds</h2>
 *
 * <ol>
 *   <li><b>A block that is valid and not dirty is as the store has it.</b> A clean block becomes
 *       dirty before its bytes change here, and absent before they change in the store past this
 *       cache. An absent block gets its bytes before its bits. The maps are mapped memory, so this
 *       holds whenever the process dies.
 *   <li><b>A dirty block is the newest there is</b>, and nothing throws it away but a change that
 *       replaces it, and that the store has carried out. It is clean only after the store has
 *       flushed what it was pushed as; until then it can be pushed again, which does no harm.
 *   <li><b>No push meets a change of the same bytes.</b> One block has one push on its way at most,
 *       and create, remove, discard and write-through make the object busy, which waits for its
 *       pushes and keeps new ones away. So old bytes never arrive after new ones.
 *   <li><b>A fetch that anything has overtaken is void.</b> A write, a drop or a busy object spoils
 *       the fetches under way; what they bring is not kept.
 *   <li><b>An object is in the store before its index entry.</b> Creations and inodes pass through
 *       to the store; only the bytes of data objects that exist there are held back. A first write
 *       to an object of which this cache knows nothing passes through, too: its success says that
 *       the object exists and may be written.
 *   <li><b>Nothing unproved is pushed.</b> The maps are believed in the boot that wrote them, or
 *       after a close that forced maps and data. After any other reboot all is dropped: what was
 *       fsynced is in the cluster, and the rest was never promised. The mark of a clean close is
 *       taken away, durably, before the first change.
 *   <li><b>What the store has not flushed is held here</b>: dirty blocks, and how objects came to
 *       be ({@link Origin}). It goes again if the store may have lost it. What cannot be held,
 *       since the disk is full or fails, is handed over as stable.
 *   <li><b>A block is what its checksum proves</b>, unless it is open: being written just now, or
 *       when the process died. A damaged block is never returned or pushed.
 *   <li><b>No lock is held while the store is asked.</b> Readers of other blocks and objects go on
 *       during flush, push and fetch.
 * </ol>
 *
 * <p>A cache disk that is full or fails costs speed only: the request goes to the store. The one
 * exception is a dirty block that cannot be read back, which nobody else has.
 *
 * <p>The cache believes that nobody else writes its VDIs. Whoever opens a VDI that others may have
 * written since calls {@link #purge}.
 */
public final class ObjectCache implements ObjectStore, Closeable {

  private static final long MIN_QUOTA_BYTES = 1 << 20;

  private final ObjectStore backing;
  private final CacheDisk disk;
  private final CacheOptions options;
  private final Executor executor;
  private final String clusterId;
  private final Counters counters = new Counters();
  private final boolean holdsBack;
  private final CacheIndex index;
  private final Reads reads;
  private final Prefetcher prefetcher;
  private final Writes writes;
  private final InodeWatch inodes;
  private final Upkeep upkeep;

  ObjectCache(
      ObjectStore backing,
      CacheDisk disk,
      String clusterId,
      CacheOptions options,
      Executor executor,
      LongSupplier nanoClock)
      throws IOException {
    this(backing, disk, clusterId, options, executor, nanoClock, OpenFiles.USUAL_MAX);
  }

  /**
   * As the other.
   *
   * @param maxOpenFiles of objects
   */
  ObjectCache(
      ObjectStore backing,
      CacheDisk disk,
      String clusterId,
      CacheOptions options,
      Executor executor,
      LongSupplier nanoClock,
      int maxOpenFiles)
      throws IOException {
    this.backing = backing;
    this.disk = disk;
    this.options = options;
    this.executor = executor;
    this.clusterId = clusterId;
    this.holdsBack = options.mode() == CacheMode.WRITEBACK;
    DiskHealth health = new DiskHealth(disk, counters);
    this.index =
        new CacheIndex(backing, disk, health, counters, options, new OpenFiles(maxOpenFiles));
    Flusher flusher = new Flusher(backing, index, executor, options.window());
    this.upkeep = new Upkeep(backing, index, options, flusher, executor, nanoClock);
    this.reads = new Reads(backing, index, options);
    this.prefetcher = new Prefetcher(reads, executor);
    this.writes = new Writes(backing, index, options, flusher, reads, upkeep, nanoClock);
    this.inodes = new InodeWatch(index);
    new Recovery(index, clusterId, nanoClock.getAsLong()).run();
    index.shares.load(index.objects());
  }

  /**
   * Opens a cache directory, and makes it if need be.
   *
   * @param clusterId identifies the cluster behind {@code backing}: one line
   * @param executor runs pushes; it may run them in the calling thread
   * @throws IOException with a message for the user if the directory is in use, belongs to another
   *     cluster, or cannot be read
   */
  public static ObjectCache open(
      ObjectStore backing,
      Path directory,
      String clusterId,
      CacheOptions options,
      Executor executor)
      throws IOException {
    FileDisk disk = FileDisk.open(directory, options.access());
    try {
      return new ObjectCache(backing, disk, clusterId, options, executor, System::nanoTime);
    } catch (IOException | RuntimeException e) {
      disk.close();
      throw e;
    }
  }

  /** Removes a cache directory with all there is in it. Nobody may be using it. */
  public static void erase(Path directory) throws IOException {
    FileDisk.deleteTree(directory);
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    reads.read(oid, offset, dst);
  }

  /** Fetches what is missing of a range of a data object, in the background. */
  @Override
  public void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {
    if (oid.isData()) {
      prefetcher.add(oid, offset, length, wanted);
    }
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    if (oid.kind() == ObjectId.Kind.INODE) {
      ByteBuffer copy = src.duplicate();
      writeInode(oid, offset, src, inodes.durability(oid, offset, copy, durability));
      inodes.written(oid, offset, copy);
    } else {
      writes.write(oid, offset, src, durability);
    }
  }

  /** An inode was written past this cache, by somebody who need not be the VDI's writer. */
  public void inodeWritten(ObjectId inode, long offset, ByteBuffer written) throws SheepException {
    inodes.written(inode, offset, written);
  }

  private void writeInode(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    VdiCache vdi = holdsBack ? index.vdi(oid.vid()) : null;
    if (vdi != null && !vdi.frozen) {
      vdi.inode.write(backing, offset, src, durability, vdi.incarnation(backing));
    } else {
      backing.write(oid, offset, src, holdsBack ? Durability.STABLE : durability);
    }
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    writes.create(oid, offset, src, durability);
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    writes.createCopy(oid, source, offset, src, durability);
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    writes.discard(oid, offset, length, durability);
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    writes.remove(oid);
  }

  @Override
  public void flush(VdiId vid) throws SheepException {
    upkeep.flush(vid);
  }

  /**
   * {@inheritDoc}
   *
   * <p>A cache that holds writes back keeps what the store has not flushed, and makes up for its
   * losses; what it cannot keep it has made stable at once.
   */
  @Override
  public long losses(VdiId vid) {
    return holdsBack ? 0 : backing.losses(vid);
  }

  /** From now on a VDI is a snapshot; it was flushed before. Its writes go to the store. */
  public void freeze(VdiId vid) {
    VdiCache vdi = index.get(vid);
    if (vdi != null) {
      vdi.frozen = true;
      forgetUnflushed(vdi);
    }
  }

  /** Forgets what is not dirty of a VDI, so that the next reads ask the store. */
  public void purge(VdiId vid) {
    for (CachedObject object : index.objects()) {
      if (object.vdi.vid.equals(vid) && !index.evict(object)) {
        CacheIndex.dropClean(object, 0, object.blocks());
      }
    }
  }

  /**
   * Forgets what was written to the inode of a VDI that somebody else has written since, and how
   * its objects were made: neither must be made again.
   */
  public void forgetInode(VdiId vid) {
    VdiCache vdi = index.get(vid);
    if (vdi != null) {
      forgetUnflushed(vdi);
    }
  }

  private static void forgetUnflushed(VdiCache vdi) {
    vdi.inode.forget();
    for (CachedObject object : vdi.made) {
      long stamp = object.lock.writeLock();
      try {
        object.setOrigin(null);
      } finally {
        object.lock.unlockWrite(stamp);
      }
    }
  }

  /** Forgets all of a VDI that has been deleted. */
  public void forget(VdiId vid) throws SheepException {
    forgetInode(vid);
    for (CachedObject object : index.objects()) {
      if (object.vdi.vid.equals(vid)) {
        index.discardObject(object);
      }
    }
  }

  /**
   * Hands the dirty data of a VDI over and forgets it, object by object: for a VDI that has become
   * a snapshot before it was pushed. Nobody may be writing the VDI.
   *
   * @throws SheepException what {@code taker} threw; what it did not take stays dirty
   */
  public void handOver(VdiId vid, DirtyRuns taker) throws SheepException {
    VdiCache vdi = index.get(vid);
    if (vdi == null) {
      return;
    }
    vdi.leaving = true;
    try {
      for (CachedObject first : List.copyOf(vdi.dirty)) {
        CachedObject object = index.begin(first);
        try {
          DirtyRuns.of(object, disk, taker);
          CacheIndex.dropAll(object);
        } finally {
          index.end(object, true);
        }
      }
      forgetUnflushed(vdi);
    } finally {
      vdi.leaving = false;
    }
  }

  /** What is cached, VDI by VDI. */
  public List<CachedVdi> vdis() {
    return index.sums();
  }

  /**
   * Sets how much of the cache the VDIs of a name may have, snapshots included. It is kept over
   * restarts. What is dirty counts, too: at the limit writers wait until some of it is flushed.
   *
   * @param bytes at least 1 MiB; 0 for as much as there is room for
   * @throws IOException if the cache's disk does not keep it; nothing has changed then
   */
  public void setQuota(VdiName name, long bytes) throws IOException {
    if (bytes != 0 && bytes < MIN_QUOTA_BYTES) {
      throw new IllegalArgumentException("a quota has at least 1M, not " + bytes + " bytes");
    }
    index.shares.limit(name.value(), bytes, index.objects());
  }

  /** What the VDIs of a name may have of the cache, and have. */
  public Quota quota(VdiName name) {
    Share share = index.shares.of(name.value());
    return new Quota(
        share.limitBlocks << BlockMap.BLOCK_SHIFT, share.validBlocks.sum() << BlockMap.BLOCK_SHIFT);
  }

  /**
   * Prepares to fetch all there is of a VDI; see {@link Warming#run}.
   *
   * @param permission asked before each piece of an object is fetched
   */
  public Warming warming(VdiId vid, Warming.Permission permission) {
    return new Warming(backing, index, reads, executor, vid, permission, options.sizeBytes());
  }

  /** Reads all that is cached of a VDI and compares it with its checksums. */
  public CacheCheck check(VdiId vid) {
    long checked = 0;
    long mended = 0;
    long lost = 0;
    for (CachedObject object : index.objects()) {
      if (object.vdi.vid.equals(vid)) {
        CacheCheck found = reads.check(object);
        checked += found.checkedBytes();
        mended += found.mendedBlocks();
        lost += found.lostBlocks();
      }
    }
    return new CacheCheck(checked, mended, lost);
  }

  /** Hands old dirty data on, flushes older, and reclaims. To be called about once a second. */
  public void maintain() {
    upkeep.run();
  }

  /** The state of the cache, and what it has done. */
  public CacheStatus status() {
    return new CacheStatus(
        index.objects().size(),
        counters.validBlocks.sum() << BlockMap.BLOCK_SHIFT,
        counters.dirtyBytes(),
        upkeep.oldestDirtyNanos() / 1_000_000,
        counters.hits.sum(),
        counters.misses.sum(),
        counters.fetchedBytes.sum(),
        counters.pushedBytes.sum(),
        counters.pushes.sum(),
        counters.flushes.sum(),
        counters.reclaimed.sum(),
        counters.diskFailures.sum(),
        counters.dropped.sum(),
        counters.damaged.sum(),
        counters.waits.sum());
  }

  /** Fails if anything contradicts itself. Stops nobody, so nobody should be writing. */
  void assertInvariants() {
    for (CachedObject object : index.objects()) {
      long stamp = object.lock.readLock();
      try {
        object.assertInvariants();
      } finally {
        object.lock.unlockRead(stamp);
      }
    }
  }

  /**
   * Closes the cache. It does not flush: dirty data stays in the directory for the next time, and
   * is forced there with the maps, so that it outlives a reboot. Nobody may be using the cache.
   */
  @Override
  public void close() throws IOException {
    upkeep.close();
    try (disk) {
      for (CachedObject object : index.objects()) {
        long stamp = object.lock.writeLock();
        try {
          if (object.map != null) {
            object.prepare(disk);
            object.file().force();
            object.map.seal();
          }
          if (object.file != null) {
            object.file.close();
          }
        } finally {
          object.lock.unlockWrite(stamp);
        }
      }
      for (VdiCache vdi : index.vdis()) {
        disk.forceMaps(vdi.vid);
      }
      disk.writeState(new CacheState(clusterId, disk.bootId(), true).toBytes());
    }
  }
}
