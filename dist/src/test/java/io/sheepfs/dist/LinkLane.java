package io.sheepfs.dist;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.TimeUnit;

/**
 * One direction of a {@link TroubledLink}, shared by all its connections: how fast bytes leave, and
 * how much later they arrive. Delay and rate are independent, as on a long cable: however late the
 * bytes are, as many of them as the rate allows are on their way. Safe for any number of threads.
 */
final class LinkLane {

  /** What is sent may be so early, so that a thread that wakes late does not cost bandwidth. */
  private static final long SLACK_NANOS = TimeUnit.MILLISECONDS.toNanos(4);

  @GuardedBy("this")
  private long delayNanos;

  @GuardedBy("this")
  private long bytesPerSecond;

  @GuardedBy("this")
  private long freeAtNanos = System.nanoTime();

  @GuardedBy("this")
  private boolean stalled;

  synchronized void delay(long nanos) {
    delayNanos = nanos;
  }

  /** Limits the bandwidth; 0 for none. */
  synchronized void rate(long bytes) {
    bytesPerSecond = bytes;
    freeAtNanos = System.nanoTime();
  }

  synchronized void stall() {
    stalled = true;
  }

  synchronized void pass() {
    stalled = false;
    notifyAll();
  }

  /**
   * Waits until the lane is free, and sends.
   *
   * @return when the bytes arrive, in the time of {@link System#nanoTime}
   */
  long send(int bytes) throws InterruptedException {
    long sentAt;
    long arrivesAt;
    synchronized (this) {
      long now = System.nanoTime();
      long takes = bytesPerSecond == 0 ? 0 : bytes * 1_000_000_000L / bytesPerSecond;
      // a lane that was idle has nothing to make up for
      freeAtNanos += Math.max(now - SLACK_NANOS - freeAtNanos, 0) + takes;
      sentAt = freeAtNanos;
      arrivesAt = now + Math.max(sentAt - now, 0) + delayNanos;
    }
    sleepUntil(sentAt);
    return arrivesAt;
  }

  /** Waits until bytes that were sent arrive. */
  void await(long arrivesAtNanos) throws InterruptedException {
    sleepUntil(arrivesAtNanos);
    synchronized (this) {
      while (stalled) {
        wait();
      }
    }
  }

  private static void sleepUntil(long nanos) throws InterruptedException {
    long left = nanos - System.nanoTime();
    if (left > 0) {
      TimeUnit.NANOSECONDS.sleep(left);
    }
  }
}
