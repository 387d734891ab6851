package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.telemetry.FlushEvent;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What keeps a cache going: flushes, in rounds that callers share; write-out by age; room for dirty
 * data; reclaim. Safe for any number of threads.
 */
final class Upkeep implements Writes.Room {

  private static final Logger log = LoggerFactory.getLogger(Upkeep.class);
  private static final int RETRY_MILLIS = 500;
  private static final long MAX_DELAY_NANOS = 20_000_000;
  private static final int DELAYED_BYTES = 64 << 10;

  private final ObjectStore backing;
  private final CacheIndex index;
  private final CacheOptions options;
  private final Flusher flusher;
  private final LongSupplier nanoClock;
  private final Executor executor;
  private final ReentrantLock room = new ReentrantLock();
  private final Condition changed = room.newCondition();
  private volatile boolean closed;
  private final ConcurrentMap<VdiId, FlushRounds> rounds = new ConcurrentHashMap<>();

  Upkeep(
      ObjectStore backing,
      CacheIndex index,
      CacheOptions options,
      Flusher flusher,
      Executor executor,
      LongSupplier nanoClock) {
    this.backing = backing;
    this.index = index;
    this.options = options;
    this.flusher = flusher;
    this.executor = executor;
    this.nanoClock = nanoClock;
  }

  /** Makes everything durable that was written to a VDI before the call. */
  @Override
  public void flush(VdiId vid) throws SheepException {
    FlushEvent event = FlushEvent.started();
    long begin = Stage.begin();
    try {
      flushNow(vid);
    } finally {
      event.ended("cache", vid);
      long unused = Stage.CACHE_FLUSH.end(begin);
    }
  }

  private void flushNow(VdiId vid) throws SheepException {
    VdiCache vdi = index.get(vid);
    if (vdi == null) {
      index.counters.flushes.increment();
      backing.flush(vid);
      return;
    }
    List<CachedObject> flushed = List.copyOf(vdi.dirty);
    rounds.computeIfAbsent(vid, key -> new FlushRounds()).join(() -> flusher.flush(vdi));
    index.reclaimer.settle(vdi.share);
    flushed.forEach(index.reclaimer::weigh);
    wakeWriters();
  }

  /**
   * Flushes until there is less dirty data, {@code first} first. While the cluster is away it
   * waits; if the store refuses the data for good it returns, so that the writer meets the refusal.
   */
  @Override
  public void make(VdiCache first) throws SheepException {
    long begin = Stage.begin();
    try {
      flushUntilRoom(first);
    } finally {
      long unused = Stage.CACHE_WAIT.end(begin);
    }
  }

  private void flushUntilRoom(VdiCache first) throws SheepException {
    while (isFull(first)) {
      SheepException failure = null;
      try {
        flush(first.vid);
        for (VdiCache vdi : index.vdis()) {
          if (isFull(first) && !vdi.dirty.isEmpty() && !vdi.leaving) {
            flush(vdi.vid);
          }
        }
      } catch (SheepException e) {
        failure = e;
      }
      if (failure == null || !Away.is(failure)) {
        return;
      }
      log.debug("the cache is full of dirty data, and the cluster away", failure);
      index.counters.waits.increment();
      awaitRoom(first);
    }
  }

  @Override
  public boolean isFull(VdiCache vdi) {
    return index.counters.dirtyBytes() >= options.maxDirtyBytes() || vdi.share.isFullOfDirt();
  }

  private void awaitRoom(VdiCache vdi) throws SheepException {
    room.lock();
    try {
      long nanos = TimeUnit.MILLISECONDS.toNanos(RETRY_MILLIS);
      while (!closed && isFull(vdi) && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
      if (closed) {
        throw new SheepException(ResultCode.SHUTDOWN, "wait for room in a cache that is closed");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SheepException(ResultCode.NETWORK_ERROR, "wait for room in the cache", e);
    } finally {
      room.unlock();
    }
  }

  private void wakeWriters() {
    room.lock();
    try {
      changed.signalAll();
    } finally {
      room.unlock();
    }
  }

  /**
   * From half of the limit on, has the dirty data flushed in the background, and delays the writer
   * with the square of what is used of the other half, up to {@link #MAX_DELAY_NANOS} for {@link
   * #DELAYED_BYTES}.
   */
  @Override
  public void slow(VdiCache vdi, int bytes) {
    double share =
        Math.max(
            shareOfUpperHalf(index.counters.dirtyBytes(), options.maxDirtyBytes()),
            shareOfUpperHalf(vdi.share.dirtyBlocks.get(), vdi.share.limitBlocks));
    if (share <= 0) {
      return;
    }
    if (vdi.draining.compareAndSet(false, true)) {
      drain(vdi);
    }
    double delay = share * share * MAX_DELAY_NANOS * Math.min(1.0, (double) bytes / DELAYED_BYTES);
    LockSupport.parkNanos((long) delay);
  }

  /** How much of the upper half of a limit is used, up to 1; 0 if there is no limit. */
  private static double shareOfUpperHalf(long used, long limit) {
    long half = limit / 2;
    return half == 0 ? 0 : Math.min(1.0, (double) (used - half) / half);
  }

  private void drain(VdiCache vdi) {
    try {
      executor.execute(
          () -> {
            try {
              flush(vdi.vid);
            } catch (SheepException e) {
              log.debug("dirty data of VDI {} stays in the cache", vdi.vid, e);
            } finally {
              vdi.draining.set(false);
            }
          });
    } catch (RejectedExecutionException e) {
      vdi.draining.set(false);
      log.debug("no thread to flush VDI {} in the background", vdi.vid, e);
    }
  }

  /** Wakes the writers that wait for room; they fail. */
  void close() {
    closed = true;
    wakeWriters();
  }

  /** Hands old dirty data on, flushes older, and reclaims. */
  void run() {
    long now = nanoClock.getAsLong();
    for (VdiCache vdi : index.vdis()) {
      writeOut(vdi, now);
    }
    index.shares.all().forEach(index.reclaimer::settle);
    index.objects().forEach(index.reclaimer::weigh);
    index.health.check();
    try {
      index.reclaimer.keepFree(index.disk.freeBytes(), options.freeSpaceBytes());
    } catch (IOException e) {
      index.health.failed(e);
    }
  }

  private void writeOut(VdiCache vdi, long now) {
    if (vdi.leaving) {
      return; // whoever takes it writes it out
    }
    long age = oldestDirtyNanos(vdi, now);
    boolean crowded =
        index.counters.dirtyBytes() > options.maxDirtyBytes() / 2
            || shareOfUpperHalf(vdi.share.dirtyBlocks.get(), vdi.share.limitBlocks) > 0;
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
