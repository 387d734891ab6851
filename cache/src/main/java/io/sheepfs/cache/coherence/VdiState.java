package io.sheepfs.cache.coherence;

import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiLock;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** Whether the cache may be used for one VDI now, and since when that is known. */
final class VdiState {

  final VdiId vid;

  /** Held by whoever finds out, or changes the record of the VDI. */
  final ReentrantLock checking = new ReentrantLock();

  /** Our lock as a writer: as long as it is held, nobody else writes. */
  volatile @Nullable VdiLock held;

  /** While the lock is held: the cache's disk does not take the record, so there is no cache. */
  volatile boolean uncachable;

  /** It is a snapshot, and what is cached of it is right for good. */
  volatile boolean settled;

  /** Whether the record is known to be about this VDI, and no earlier one of the same id. */
  volatile boolean verified;

  /** What the last check found: whether the cache may be used. */
  volatile boolean usable;

  /** When the last check was made, or failed. */
  volatile long checkedNanos;

  /** What was found out before does not count: the next read waits for a check. */
  volatile boolean mustCheck = true;

  /** How often {@link #expire} was called. */
  private volatile long expiries;

  /** The cluster did not answer the last check in time; nobody waits for the next ones. */
  volatile boolean away;

  /** A check under way that was made to notice the writes of others by and by. */
  @Nullable CompletableFuture<Boolean> refresh;

  VdiState(VdiId vid) {
    this.vid = vid;
  }

  /** Whether we are the VDI's only writer. */
  boolean isHeld() {
    VdiLock lock = held;
    return lock != null && lock.isHeld();
  }

  long expiries() {
    return expiries;
  }

  synchronized void expire() {
    expiries++;
    mustCheck = true;
  }

  /** Notes what a check found that began after {@code seen} expiries. */
  synchronized void checked(long seen, boolean found, long nowNanos) {
    usable = found;
    checkedNanos = nowNanos;
    away = false;
    mustCheck = expiries != seen;
  }

  /** A check that had to be made could not be: what was found before goes on to count. */
  synchronized void unchecked(long nowNanos) {
    checkedNanos = nowNanos;
    away = true;
    mustCheck = false;
  }

  /** From now on, and until the lock is let go or lost, nobody else writes. */
  void hold(VdiLock lock, boolean cachable) {
    expire(); // for the time after
    settled = false;
    uncachable = !cachable;
    held = lock;
  }

  /** Ends {@link #hold}, if it was with this lock. */
  void letGo(VdiLock lock) {
    if (held == lock) {
      held = null;
    }
  }
}
