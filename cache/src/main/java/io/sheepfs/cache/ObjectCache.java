package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

  private static final Logger log = LoggerFactory.getLogger(ObjectCache.class);
  private static final int TRIES = 4;
  private static final int MAX_FETCH_BLOCKS = 256;

  private final ObjectStore backing;
  private final CacheDisk disk;
  private final CacheOptions options;
  private final LongSupplier nanoClock;
  private final String clusterId;
  private final Counters counters = new Counters();
  private final Flusher flusher;
  private final Reclaimer reclaimer;
  private final ConcurrentMap<ObjectId, CachedObject> objects = new ConcurrentHashMap<>();
  private final ConcurrentMap<VdiId, VdiCache> vdis = new ConcurrentHashMap<>();
  private final ConcurrentMap<VdiId, FlushRounds> rounds = new ConcurrentHashMap<>();

  ObjectCache(
      ObjectStore backing,
      CacheDisk disk,
      String clusterId,
      CacheOptions options,
      Executor executor,
      LongSupplier nanoClock)
      throws IOException {
    this.backing = backing;
    this.disk = disk;
    this.options = options;
    this.nanoClock = nanoClock;
    this.clusterId = clusterId;
    this.flusher = new Flusher(backing, disk, executor, options.window(), counters);
    this.reclaimer = new Reclaimer(options.sizeBytes() >>> BlockMap.BLOCK_SHIFT, this::evictIfIdle);
    recover();
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
    FileDisk disk = FileDisk.open(directory);
    try {
      return new ObjectCache(backing, disk, clusterId, options, executor, System::nanoTime);
    } catch (IOException | RuntimeException e) {
      disk.close();
      throw e;
    }
  }

  private void recover() throws IOException {
    CacheState state = CacheState.parse(disk.readState());
    if (state != null && !state.cluster().equals(clusterId)) {
      throw new IOException(
          "the cache belongs to cluster " + state.cluster() + ", not to " + clusterId);
    }
    String boot = disk.bootId();
    boolean trusted = state != null && state.isTrusted(boot);
    for (VdiId vid : disk.vdis()) {
      if (trusted) {
        recover(vid);
      } else {
        counters.dropped.add(disk.objects(vid).size());
        disk.deleteVdi(vid);
      }
    }
    if (counters.dropped.sum() > 0) {
      log.warn("{} cached objects were not proved and are dropped", counters.dropped.sum());
    }
    disk.writeState(new CacheState(clusterId, boot, false).toBytes());
  }

  private void recover(VdiId vid) throws IOException {
    List<Integer> files = disk.objects(vid);
    int shift = MapFile.blockSizeShift(disk, vid);
    MapFile maps = shift == 0 ? null : MapFile.load(disk, vid, shift);
    List<BlockMap> slots = maps == null ? null : maps.readSlots();
    if (slots == null) {
      counters.dropped.add(files.size());
      if (files.isEmpty()) {
        disk.deleteVdi(vid);
      } else {
        disk.quarantine(vid);
      }
      return;
    }
    VdiCache vdi = new VdiCache(vid, shift, maps);
    vdis.put(vid, vdi);
    for (BlockMap slot : slots) {
      if (!files.remove((Integer) slot.index())) {
        counters.dropped.increment();
        vdi.free(slot);
        continue;
      }
      ObjectId oid = ObjectId.data(vid, slot.index());
      CachedObject object = new CachedObject(oid, vdi, counters);
      object.recover(slot, nanoClock.getAsLong());
      objects.put(oid, object);
      reclaimer.weigh(object);
    }
    for (int index : files) {
      disk.delete(vid, index);
    }
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    CachedObject object = lookup(oid);
    if (object == null || !dst.hasRemaining()) {
      backing.read(oid, offset, dst);
      return;
    }
    object.vdi.checkBounds(offset, dst.remaining());
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(offset + dst.remaining());
    for (int i = 0; i < TRIES && to - from <= MAX_FETCH_BLOCKS * TRIES; i++) {
      if (tryRead(object, from, to, offset, dst)) {
        (i == 0 ? counters.hits : counters.misses).increment();
        reclaimer.touch(object);
        return;
      }
      if (!fetch(object, from, to)) {
        break;
      }
      object = lookupAgain(object);
    }
    counters.misses.increment();
    readThrough(object, offset, dst);
  }

  private boolean tryRead(CachedObject object, int from, int to, long offset, ByteBuffer dst) {
    int start = dst.position();
    boolean failed = false;
    long stamp = object.lock.readLock();
    try {
      if (object.isValid(from, to) && object.file != null) {
        object.file().read(dst, offset);
        return true;
      }
    } catch (IOException e) {
      dst.position(start);
      failed = true;
      diskFailed(e);
    } finally {
      object.lock.unlockRead(stamp);
    }
    stamp = object.lock.writeLock();
    try {
      if (failed) {
        object.file = null;
        object.dropClean(from, to);
      } else if (object.file == null && object.map != null) {
        object.prepare(disk);
        if (object.isValid(from, to)) {
          object.file().read(dst, offset);
          return true;
        }
      }
    } catch (IOException e) {
      dst.position(start);
      diskFailed(e);
      object.dropClean(from, to);
    } finally {
      object.lock.unlockWrite(stamp);
    }
    return false;
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
          object.prepare(disk);
          object.file().read(dst, at);
          here = true;
        }
      } catch (IOException e) {
        diskFailed(e);
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
  private boolean fetch(CachedObject object, int from, int to) throws SheepException {
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
      backing.read(object.oid, (long) fetch.from << BlockMap.BLOCK_SHIFT, bytes);
      counters.fetchedBytes.add(bytes.position());
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
          object.dead = true;
          objects.remove(object.oid, object);
        } else if (arrived && !fetch.spoiled && !object.dead && !object.busy) {
          object.known = true;
          kept = installMissing(object, fetch, bytes);
        }
      } finally {
        object.lock.unlockWrite(stamp);
      }
      object.signal();
    }
    reclaimer.weigh(object);
    return kept;
  }

  private boolean installMissing(CachedObject object, CachedObject.Fetch fetch, ByteBuffer bytes) {
    if (!reclaimer.mayGrow()) {
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
          object.install(disk, block, bytes);
        } catch (IOException e) {
          diskFailed(e);
          object.file = null;
          return false;
        }
        block = end;
      }
    }
    return true;
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    if (oid.kind() == ObjectId.Kind.INODE) {
      writeInode(oid, offset, src, durability);
      return;
    }
    CachedObject object = lookup(oid);
    if (object == null || object.vdi.frozen || !src.hasRemaining()) {
      backing.write(oid, offset, src, durability);
      return;
    }
    object.vdi.checkBounds(offset, src.remaining());
    boolean held = options.mode() == CacheMode.WRITEBACK && durability == Durability.UNSTABLE;
    for (int i = 0; held && i < TRIES; i++) {
      if (counters.dirtyBlocks.get() << BlockMap.BLOCK_SHIFT >= options.maxDirtyBytes()) {
        makeRoom(object.vdi.vid);
      }
      Taken taken = tryWrite(object, offset, src);
      if (taken == Taken.YES) {
        return;
      }
      if (taken == Taken.NEVER) {
        break;
      }
      object = lookupAgain(object);
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
          || !reclaimer.mayGrow()
          || counters.dirtyBlocks.get() << BlockMap.BLOCK_SHIFT >= options.maxDirtyBytes()) {
        return Taken.NEVER;
      }
      if ((offset & 4095) != 0 && !object.isValid(from, from + 1)) {
        missing = from;
      } else if ((end & 4095) != 0 && !object.isValid(to - 1, to)) {
        missing = to - 1;
      }
      fresh = object.dirtyCount == 0;
      if (missing < 0) {
        object.write(disk, offset, src, nanoClock.getAsLong());
      }
    } catch (IOException e) {
      diskFailed(e);
      object.file = null;
      src.position(start);
      return Taken.NEVER;
    } finally {
      if (stamp != 0) {
        object.lock.unlockWrite(stamp);
      }
    }
    if (missing >= 0) {
      return fetch(object, missing, missing + 1) ? Taken.RETRY : Taken.NEVER;
    }
    if (fresh) {
      reclaimer.weigh(object);
    }
    return Taken.YES;
  }

  private void makeRoom(VdiId vid) {
    try {
      flush(vid);
      for (VdiCache vdi : vdis.values()) {
        if (!vdi.dirty.isEmpty()) {
          flush(vdi.vid);
        }
      }
    } catch (SheepException e) {
      log.debug("cannot make room in the cache; writing through", e);
    }
  }

  /** Writes to the store at once. The object is busy meanwhile. */
  private void writeThrough(CachedObject first, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(offset + src.remaining());
    ByteBuffer copy = src.duplicate();
    CachedObject object = begin(first);
    boolean done = false;
    try {
      settleEdges(object, offset, offset + src.remaining());
      dropClean(object, from, to);
      backing.write(object.oid, offset, src, durability);
      installWhole(object, offset, copy);
      done = true;
    } finally {
      end(object, done);
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
    dropAll(object, from, from + count);
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
      if (reclaimer.mayGrow()) {
        int at = src.position() + (int) (((long) from << BlockMap.BLOCK_SHIFT) - offset);
        object.install(disk, from, src.duplicate().position(at).limit(at + ((to - from) << 12)));
      }
    } catch (IOException e) {
      diskFailed(e);
      object.file = null;
    } finally {
      object.lock.unlockWrite(stamp);
    }
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    CachedObject first = lookup(oid);
    if (first == null) {
      backing.create(oid, offset, src, durability);
      return;
    }
    ByteBuffer copy = src.duplicate();
    CachedObject object = begin(first);
    boolean done = false;
    try {
      settle(object, 0, object.blocks());
      backing.create(oid, offset, src, durability);
      installWhole(object, offset, copy);
      done = true;
    } finally {
      end(object, done);
    }
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    CachedObject from = objects.get(source);
    if (from != null) {
      flusher.push(from, 0, from.blocks(), false);
    }
    CachedObject first = lookup(oid);
    if (first == null) {
      backing.createCopy(oid, source, offset, src, durability);
      return;
    }
    ByteBuffer copy = src.duplicate();
    CachedObject object = begin(first);
    boolean done = false;
    try {
      settle(object, 0, object.blocks());
      backing.createCopy(oid, source, offset, src, durability);
      installWhole(object, offset, copy);
      done = true;
    } finally {
      end(object, done);
    }
  }

  @Override
  public void discard(ObjectId oid, long offset, long length, Durability durability)
      throws SheepException {
    CachedObject first = lookup(oid);
    if (first == null) {
      backing.discard(oid, offset, length, durability);
      return;
    }
    first.vdi.checkBounds(offset, length);
    int from = (int) (offset >>> BlockMap.BLOCK_SHIFT);
    int to = CachedObject.blockAfter(offset + length);
    CachedObject object = begin(first);
    boolean done = false;
    try {
      settleEdges(object, offset, offset + length);
      dropClean(object, from, to);
      backing.discard(oid, offset, length, durability);
      dropAll(object, from, to);
      done = true;
    } finally {
      end(object, done);
    }
  }

  @Override
  public void remove(ObjectId oid) throws SheepException {
    CachedObject first = lookup(oid);
    if (first == null) {
      backing.remove(oid);
      return;
    }
    CachedObject object = begin(first);
    try {
      dropClean(object, 0, object.blocks());
      backing.remove(oid);
      dropAll(object, 0, object.blocks());
      forget(object);
    } finally {
      end(object, false);
    }
  }

  @Override
  public void flush(VdiId vid) throws SheepException {
    VdiCache vdi = vdis.get(vid);
    if (vdi == null) {
      counters.flushes.increment();
      backing.flush(vid);
      return;
    }
    rounds.computeIfAbsent(vid, key -> new FlushRounds()).join(() -> flusher.flush(vdi));
    vdi.dirty.forEach(reclaimer::weigh);
  }

  /** Writes an inode; an entry that changes tells that objects may be going away. */
  private void writeInode(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    ByteBuffer copy = src.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    backing.write(oid, offset, src, durability);
    VdiId vid = oid.vid();
    long firstEntry = (offset - InodeLayout.INDEX + 3) >> 2;
    int from = (int) Math.max(0, firstEntry);
    long end = Math.min(offset + copy.remaining(), InodeLayout.REFERENCES);
    int to = (int) Math.max(from, (end - InodeLayout.INDEX) / InodeLayout.INDEX_ENTRY_BYTES);
    if (end <= InodeLayout.INDEX) {
      return;
    }
    for (CachedObject object : objects.values()) {
      int index = object.oid.index();
      if (index < from || index >= to) {
        continue;
      }
      int at = (int) (InodeLayout.indexOffset(index) - offset) + copy.position();
      int owner = copy.getInt(at);
      if (owner == object.vdi.vid.value()) {
        continue;
      }
      if (object.vdi.vid.equals(vid)) {
        discardObject(object);
      } else {
        evictIfIdle(object);
      }
    }
  }

  /** Forgets an object, dirty or not: nobody refers to it any more. */
  private void discardObject(CachedObject first) throws SheepException {
    CachedObject object = begin(first);
    try {
      dropAll(object, 0, object.blocks());
      forget(object);
    } finally {
      end(object, false);
    }
  }

  private void evictIfIdle(CachedObject object) {
    if (!evict(object)) {
      log.debug("object {} is in use and stays in the cache", object.oid);
    }
  }

  /** Throws an object out if it has nothing dirty and nobody is using it. */
  private boolean evict(CachedObject object) {
    long stamp = object.lock.writeLock();
    try {
      if (object.dead) {
        return true;
      }
      if (object.busy
          || object.dirtyCount > 0
          || !object.inFlight.isEmpty()
          || !object.fetches.isEmpty()) {
        return false;
      }
      kill(object);
      counters.reclaimed.increment();
      return true;
    } finally {
      object.lock.unlockWrite(stamp);
    }
  }

  private void forget(CachedObject object) {
    long stamp = object.lock.writeLock();
    try {
      kill(object);
    } finally {
      object.lock.unlockWrite(stamp);
    }
  }

  private void kill(CachedObject object) {
    object.drop(0, object.blocks());
    object.dead = true;
    object.known = false;
    BlockMap map = object.map;
    object.map = null;
    try {
      if (map != null) {
        object.vdi.free(map);
      }
      if (object.file != null) {
        object.file.close();
        object.file = null;
      }
      disk.delete(object.vdi.vid, object.oid.index());
    } catch (IOException e) {
      diskFailed(e);
    } finally {
      objects.remove(object.oid, object);
    }
  }

  private static void dropClean(CachedObject object, int from, int to) {
    long stamp = object.lock.writeLock();
    object.dropClean(from, to);
    object.lock.unlockWrite(stamp);
  }

  private static void dropAll(CachedObject object, int from, int to) {
    long stamp = object.lock.writeLock();
    object.drop(from, to);
    object.lock.unlockWrite(stamp);
  }

  /** Makes an object busy: no write, no push and no fetch of it begins or is under way. */
  private CachedObject begin(CachedObject first) throws SheepException {
    CachedObject object = first;
    while (true) {
      long stamp = object.lock.writeLock();
      if (object.dead) {
        object.lock.unlockWrite(stamp);
        object = lookupAgain(object);
        continue;
      }
      if (!object.busy && object.inFlight.isEmpty()) {
        object.busy = true;
        object.spoil(0, object.blocks());
        object.lock.unlockWrite(stamp);
        return object;
      }
      long ticket = object.ticket();
      object.lock.unlockWrite(stamp);
      object.await(ticket);
    }
  }

  private void end(CachedObject object, boolean exists) {
    long stamp = object.lock.writeLock();
    object.busy = false;
    if (!exists && !object.dead && object.map == null && object.fetches.isEmpty()) {
      object.dead = true;
      objects.remove(object.oid, object);
    }
    object.lock.unlockWrite(stamp);
    object.signal();
    if (exists) {
      reclaimer.weigh(object);
    }
  }

  private @Nullable CachedObject lookup(ObjectId oid) throws SheepException {
    CachedObject object = objects.get(oid);
    if (object != null) {
      return object;
    }
    if (!oid.isData() || options.mode() == CacheMode.OFF) {
      return null;
    }
    VdiCache vdi = vdi(oid.vid());
    return vdi == null
        ? null
        : objects.computeIfAbsent(oid, key -> new CachedObject(key, vdi, counters));
  }

  private CachedObject lookupAgain(CachedObject object) {
    return objects.computeIfAbsent(object.oid, key -> new CachedObject(key, object.vdi, counters));
  }

  private @Nullable VdiCache vdi(VdiId vid) throws SheepException {
    VdiCache known = vdis.get(vid);
    if (known != null) {
      return known;
    }
    int from = InodeLayout.SNAPSHOT_TIME;
    ByteBuffer fields =
        ByteBuffer.allocate(InodeLayout.BLOCK_SIZE_SHIFT + 1 - from).order(ByteOrder.LITTLE_ENDIAN);
    try {
      backing.read(ObjectId.inode(vid), from, fields);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return null;
      }
      throw e;
    }
    int shift = fields.get(InodeLayout.BLOCK_SIZE_SHIFT - from);
    if (shift < 20 || shift > 31) {
      return null;
    }
    VdiCache vdi = new VdiCache(vid, shift, null);
    vdi.frozen = fields.getLong(0) != 0;
    return vdis.computeIfAbsent(vid, key -> vdi);
  }

  /** From now on a VDI is a snapshot; it was flushed before. Its writes go to the store. */
  public void freeze(VdiId vid) {
    VdiCache vdi = vdis.get(vid);
    if (vdi != null) {
      vdi.frozen = true;
    }
  }

  /** Forgets what is not dirty of a VDI, so that the next reads ask the store. */
  public void purge(VdiId vid) {
    for (CachedObject object : objects.values()) {
      if (object.vdi.vid.equals(vid) && !evict(object)) {
        dropClean(object, 0, object.blocks());
      }
    }
  }

  /** Forgets all of a VDI that has been deleted. */
  public void forget(VdiId vid) throws SheepException {
    for (CachedObject object : objects.values()) {
      if (object.vdi.vid.equals(vid)) {
        discardObject(object);
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
    VdiCache vdi = vdis.get(vid);
    if (vdi == null) {
      return;
    }
    for (CachedObject first : List.copyOf(vdi.dirty)) {
      CachedObject object = begin(first);
      try {
        DirtyRuns.of(object, disk, taker);
        dropAll(object, 0, object.blocks());
      } finally {
        end(object, true);
      }
    }
  }

  /** What is cached, VDI by VDI. */
  public List<CachedVdi> vdis() {
    Map<VdiId, CachedVdi> sums = new HashMap<>();
    for (CachedObject object : objects.values()) {
      long stamp = object.lock.readLock();
      long valid = (long) object.validCount << BlockMap.BLOCK_SHIFT;
      long dirty = (long) object.dirtyCount << BlockMap.BLOCK_SHIFT;
      object.lock.unlockRead(stamp);
      sums.merge(
          object.vdi.vid,
          new CachedVdi(object.vdi.vid, 1, dirty > 0 ? 1 : 0, valid, dirty),
          (a, b) ->
              new CachedVdi(
                  a.vid(),
                  a.objects() + b.objects(),
                  a.dirtyObjects() + b.dirtyObjects(),
                  a.validBytes() + b.validBytes(),
                  a.dirtyBytes() + b.dirtyBytes()));
    }
    return List.copyOf(sums.values());
  }

  /** Hands old dirty data on, flushes older, and reclaims. To be called about once a second. */
  public void maintain() {
    long now = nanoClock.getAsLong();
    for (VdiCache vdi : vdis.values()) {
      long age = oldestDirtyNanos(vdi, now);
      boolean crowded =
          counters.dirtyBlocks.get() << BlockMap.BLOCK_SHIFT > options.maxDirtyBytes() / 2;
      try {
        if (!vdi.dirty.isEmpty() && (crowded || age >= options.flushAge().toNanos())) {
          flush(vdi.vid);
        } else if (!vdi.dirty.isEmpty() && age >= options.writeOutAge().toNanos()) {
          flusher.pushAll(vdi);
        }
      } catch (SheepException e) {
        log.warn("dirty data of VDI {} stays in the cache: {}", vdi.vid, e.getMessage());
      }
    }
    objects.values().forEach(reclaimer::weigh);
    try {
      reclaimer.keepFree(disk.freeBytes(), options.freeSpaceBytes());
    } catch (IOException e) {
      diskFailed(e);
    }
  }

  private static long oldestDirtyNanos(VdiCache vdi, long now) {
    long age = 0;
    for (CachedObject object : vdi.dirty) {
      age = Math.max(age, now - object.dirtySinceNanos);
    }
    return age;
  }

  /** The state of the cache, and what it has done. */
  public CacheStatus status() {
    long now = nanoClock.getAsLong();
    long age = 0;
    for (VdiCache vdi : vdis.values()) {
      age = Math.max(age, oldestDirtyNanos(vdi, now));
    }
    return new CacheStatus(
        objects.size(),
        counters.validBlocks.sum() << BlockMap.BLOCK_SHIFT,
        counters.dirtyBlocks.get() << BlockMap.BLOCK_SHIFT,
        age / 1_000_000,
        counters.hits.sum(),
        counters.misses.sum(),
        counters.fetchedBytes.sum(),
        counters.pushedBytes.sum(),
        counters.pushes.sum(),
        counters.flushes.sum(),
        counters.reclaimed.sum(),
        counters.diskFailures.sum(),
        counters.dropped.sum());
  }

  /** Fails if anything contradicts itself. Stops nobody, so nobody should be writing. */
  void assertInvariants() {
    for (CachedObject object : objects.values()) {
      long stamp = object.lock.readLock();
      try {
        object.assertInvariants();
      } finally {
        object.lock.unlockRead(stamp);
      }
    }
  }

  private void diskFailed(IOException e) {
    counters.diskFailures.increment();
    if (e instanceof ClosedChannelException) {
      log.debug("a cache file was closed by an interrupt", e);
    } else {
      log.warn("the cache's disk failed, the store serves: {}", e.toString());
    }
  }

  /**
   * Closes the cache. It does not flush: dirty data stays in the directory for the next time, and
   * is forced there with the maps, so that it outlives a reboot. Nobody may be using the cache.
   */
  @Override
  public void close() throws IOException {
    try (disk) {
      for (CachedObject object : objects.values()) {
        long stamp = object.lock.writeLock();
        try {
          if (object.map != null) {
            object.prepare(disk);
            object.file().force();
          }
          if (object.file != null) {
            object.file.close();
          }
        } finally {
          object.lock.unlockWrite(stamp);
        }
      }
      for (VdiId vid : vdis.keySet()) {
        disk.forceMaps(vid);
      }
      disk.writeState(new CacheState(clusterId, disk.bootId(), true).toBytes());
    }
  }
}
