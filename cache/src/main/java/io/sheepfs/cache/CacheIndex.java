package io.sheepfs.cache;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The objects and the VDIs of a cache: how each comes in and goes out, and who has one for himself.
 * Safe for any number of threads.
 *
 * <p>An object that is out is {@code dead}, and not in the table; a new one may take its place at
 * once, and has the file and the slot for itself, since both were given back under the lock of the
 * dead one. Whoever changes an object as a whole makes it busy first, which keeps writes, pushes
 * and what fetches bring away until he is done.
 */
final class CacheIndex {

  private static final Logger log = LoggerFactory.getLogger(CacheIndex.class);

  final CacheDisk disk;
  final DiskHealth health;
  final Counters counters;
  final Reclaimer reclaimer;
  final Shares shares;
  final OpenFiles files;
  private final ObjectStore backing;
  private final boolean keepsNothing;
  private final ConcurrentMap<ObjectId, CachedObject> objects = new ConcurrentHashMap<>();
  private final ConcurrentMap<VdiId, VdiCache> vdis = new ConcurrentHashMap<>();

  CacheIndex(
      ObjectStore backing,
      CacheDisk disk,
      DiskHealth health,
      Counters counters,
      CacheOptions options,
      OpenFiles files) {
    this.backing = backing;
    this.disk = disk;
    this.health = health;
    this.counters = counters;
    this.keepsNothing = options.mode() == CacheMode.OFF;
    this.reclaimer =
        new Reclaimer(options.sizeBytes() >>> BlockMap.BLOCK_SHIFT, counters, this::evict);
    this.files = files;
    this.shares = new Shares(disk, reclaimer);
  }

  /** All objects, while others may come and go. */
  Collection<CachedObject> objects() {
    return objects.values();
  }

  /** All VDIs, while others may come. */
  Collection<VdiCache> vdis() {
    return vdis.values();
  }

  /** What is cached, VDI by VDI. */
  List<CachedVdi> sums() {
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

  /** Whether the disk takes more. */
  boolean mayKeep() {
    return reclaimer.mayGrow() && !health.isFailing();
  }

  /** An object that is in. */
  @Nullable CachedObject get(ObjectId oid) {
    return objects.get(oid);
  }

  /** A VDI of which anything is or was in. */
  @Nullable VdiCache get(VdiId vid) {
    return vdis.get(vid);
  }

  /** Takes in what an earlier process left. */
  void add(VdiCache vdi) {
    vdis.put(vdi.vid, vdi);
  }

  /** Takes in what an earlier process left. */
  void add(CachedObject object) {
    objects.put(object.oid, object);
    reclaimer.weigh(object);
  }

  /** Forgets an object, dirty or not: nobody refers to it any more. */
  void discardObject(CachedObject first) throws SheepException {
    CachedObject object = begin(first);
    try {
      forget(object);
    } finally {
      end(object, false);
    }
  }

  void evictIfIdle(CachedObject object) {
    if (!evict(object)) {
      log.debug("object {} is in use and stays in the cache", object.oid);
    }
  }

  /** Throws an object out if it has nothing dirty and nobody is using it. */
  boolean evict(CachedObject object) {
    long stamp = object.lock.writeLock();
    try {
      if (object.dead) {
        return true;
      }
      if (object.busy
          || object.origin != null
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

  void forget(CachedObject object) {
    long stamp = object.lock.writeLock();
    try {
      kill(object);
    } finally {
      object.lock.unlockWrite(stamp);
    }
  }

  private void kill(CachedObject object) {
    object.dropAll();
    reclaimer.remove(object);
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
      health.failed(e);
    } finally {
      objects.remove(object.oid, object);
    }
  }

  static void dropClean(CachedObject object, int from, int to) {
    long stamp = object.lock.writeLock();
    object.dropClean(from, to);
    object.lock.unlockWrite(stamp);
  }

  static void drop(CachedObject object, int from, int to) {
    long stamp = object.lock.writeLock();
    object.drop(from, to);
    object.lock.unlockWrite(stamp);
  }

  static void dropAll(CachedObject object) {
    long stamp = object.lock.writeLock();
    object.dropAll();
    object.lock.unlockWrite(stamp);
  }

  /** Makes an object busy: no write, no push and no fetch of it begins or is under way. */
  CachedObject begin(CachedObject first) throws SheepException {
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
      long ticket = object.ended.ticket();
      object.lock.unlockWrite(stamp);
      object.ended.await(ticket);
    }
  }

  void end(CachedObject object, boolean exists) {
    long stamp = object.lock.writeLock();
    object.busy = false;
    if (!exists && !object.dead && object.map == null && object.fetches.isEmpty()) {
      object.dead = true;
      objects.remove(object.oid, object);
    }
    object.lock.unlockWrite(stamp);
    object.ended.give();
    if (exists) {
      reclaimer.weigh(object);
    }
  }

  ObjectStore backing() {
    return backing;
  }

  @Nullable CachedObject lookup(ObjectId oid) throws SheepException {
    CachedObject object = objects.get(oid);
    if (object != null) {
      return object;
    }
    if (!oid.isData() || keepsNothing) {
      return null;
    }
    VdiCache vdi = vdi(oid.vid());
    return vdi == null
        ? null
        : objects.computeIfAbsent(oid, key -> new CachedObject(key, vdi, counters));
  }

  CachedObject lookupAgain(CachedObject object) {
    return objects.computeIfAbsent(object.oid, key -> new CachedObject(key, object.vdi, counters));
  }

  /** What is known of a VDI, after a look at it if that is nothing yet; null if there is none. */
  @Nullable VdiCache vdi(VdiId vid) throws SheepException {
    VdiCache known = vdis.get(vid);
    if (known != null) {
      return known;
    }
    ByteBuffer fields =
        ByteBuffer.allocate(InodeLayout.BLOCK_SIZE_SHIFT + 1).order(ByteOrder.LITTLE_ENDIAN);
    try {
      backing.read(ObjectId.inode(vid), 0, fields);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return null;
      }
      throw e;
    }
    int shift = fields.get(InodeLayout.BLOCK_SIZE_SHIFT);
    if (shift < 20 || shift > 31) {
      return null;
    }
    VdiCache vdi = new VdiCache(vid, shift, shares.of(name(fields)), files, null);
    vdi.frozen = fields.getLong(InodeLayout.SNAPSHOT_TIME) != 0;
    return vdis.computeIfAbsent(vid, key -> vdi);
  }

  private static String name(ByteBuffer inode) {
    int end = InodeLayout.NAME;
    while (end < InodeLayout.NAME + InodeLayout.NAME_BYTES && inode.get(end) != 0) {
      end++;
    }
    byte[] bytes = new byte[end - InodeLayout.NAME];
    inode.get(InodeLayout.NAME, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Takes an object out that turned out not to be there. Under its lock. */
  void bury(CachedObject object) {
    object.dead = true;
    objects.remove(object.oid, object);
  }
}
