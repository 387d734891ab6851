package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What keeps a cache going: flushes, in rounds that callers share; write-out by age; room for dirty
 * data; reclaim. Safe for any number of threads.
 */
final class Upkeep {

  private static final Logger log = LoggerFactory.getLogger(Upkeep.class);

  private final ObjectStore backing;
  private final CacheIndex index;
  private final CacheOptions options;
  private final Flusher flusher;
  private final LongSupplier nanoClock;
  private final ConcurrentMap<VdiId, FlushRounds> rounds = new ConcurrentHashMap<>();

  Upkeep(
      ObjectStore backing,
      CacheIndex index,
      CacheOptions options,
      Flusher flusher,
      LongSupplier nanoClock) {
    this.backing = backing;
    this.index = index;
    this.options = options;
    this.flusher = flusher;
    this.nanoClock = nanoClock;
  }

  /** Makes everything durable that was written to a VDI before the call. */
  void flush(VdiId vid) throws SheepException {
    VdiCache vdi = index.get(vid);
    if (vdi == null) {
      index.counters.flushes.increment();
      backing.flush(vid);
      return;
    }
    rounds.computeIfAbsent(vid, key -> new FlushRounds()).join(() -> flusher.flush(vdi));
    vdi.dirty.forEach(index.reclaimer::weigh);
  }

  /** Flushes until there is less dirty data, {@code first} first. */
  void makeRoom(VdiCache first) {
    try {
      flush(first.vid);
      for (VdiCache vdi : index.vdis()) {
        if (!vdi.dirty.isEmpty()) {
          flush(vdi.vid);
        }
      }
    } catch (SheepException e) {
      log.debug("cannot make room in the cache; writing through", e);
    }
  }

  /** Hands old dirty data on, flushes older, and reclaims. */
  void run() {
    long now = nanoClock.getAsLong();
    for (VdiCache vdi : index.vdis()) {
      writeOut(vdi, now);
    }
    index.objects().forEach(index.reclaimer::weigh);
    index.health.check();
    try {
      index.reclaimer.keepFree(index.disk.freeBytes(), options.freeSpaceBytes());
    } catch (IOException e) {
      index.health.failed(e);
    }
  }

  private void writeOut(VdiCache vdi, long now) {
    long age = oldestDirtyNanos(vdi, now);
    boolean crowded = index.counters.dirtyBytes() > options.maxDirtyBytes() / 2;
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

  /** The age of the oldest dirty data of all VDIs; 0 if there is none. */
  long oldestDirtyNanos() {
    long now = nanoClock.getAsLong();
    long age = 0;
    for (VdiCache vdi : index.vdis()) {
      age = Math.max(age, oldestDirtyNanos(vdi, now));
    }
    return age;
  }

  private static long oldestDirtyNanos(VdiCache vdi, long now) {
    long age = 0;
    for (CachedObject object : vdi.dirty) {
      age = Math.max(age, now - object.dirtySinceNanos);
    }
    return age;
  }
}
