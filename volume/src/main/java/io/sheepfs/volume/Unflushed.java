package io.sheepfs.volume;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.function.LongSupplier;

/**
 * Whether anything was written to a volume that no flush covers, and how often the store had lost
 * unflushed changes ({@link io.sheepfs.protocol.ObjectStore#losses}) before the oldest of it was
 * written. Safe for any number of threads.
 */
final class Unflushed {

  private static final long NOTHING = Long.MAX_VALUE;

  /** The losses before the oldest write that no flush has begun to cover. */
  private volatile long since = NOTHING;

  /** The losses before the oldest write that the flushes under way are to cover. */
  private volatile long flushing = NOTHING;

  @GuardedBy("this")
  private int flushes;

  /** Whether there is anything. */
  boolean any() {
    // The second look is for a flush that failed, and put back what it had taken, between the two.
    return since != NOTHING || flushing != NOTHING || since != NOTHING;
  }

  /**
   * A write ended, well or not.
   *
   * @param lossesBefore the losses before it was begun
   */
  void wrote(long lossesBefore) {
    if (lossesBefore < since) {
      add(lossesBefore);
    }
  }

  private synchronized void add(long lossesBefore) {
    since = Math.min(since, lossesBefore);
  }

  /**
   * A flush begins, which covers all that was written before.
   *
   * @return what the flush hands to {@link #failed} or {@link #covered}
   */
  synchronized long begin() {
    flushes++;
    flushing = Math.min(flushing, since);
    since = NOTHING;
    return flushing;
  }

  /** A flush failed: what it was to cover is as before. */
  synchronized void failed(long begun) {
    since = Math.min(since, begun);
    end();
  }

  /**
   * A flush succeeded.
   *
   * @param lossesNow the losses after it; asked if it covers anything
   * @return false if something of what it covers was lost before; that is not told again
   */
  synchronized boolean covered(long begun, LongSupplier lossesNow) {
    end();
    return begun == NOTHING || begun == lossesNow.getAsLong();
  }

  private synchronized void end() {
    flushes--;
    if (flushes == 0) {
      flushing = NOTHING;
    }
  }
}
