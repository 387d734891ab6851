package io.sheepfs.store.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.client.Pulse;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;

/**
 * Notices that this process stood still, for it was stopped or its machine slept. What clients sent
 * before must not be carried out after that: they may have gone to another sheep with it, and
 * written something else since then. {@link Pulse} has the other half of the agreement.
 *
 * <p>Safe for any number of threads.
 */
final class Standstill {

  private static final Duration BEAT = Duration.ofMillis(500);

  @GuardedBy("this")
  private long lastNanos = System.nanoTime();

  @GuardedBy("this")
  private int count;

  /** Begins to look. */
  Standstill(ScheduledExecutorService timer) {
    ScheduledFuture<?> unused =
        timer.scheduleWithFixedDelay(
            this::count, BEAT.toMillis(), BEAT.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** How many there were, one that has ended just now included. */
  synchronized int count() {
    long now = System.nanoTime();
    if (now - lastNanos > Pulse.LONGEST_STANDSTILL.toNanos()) {
      count++;
    }
    lastNanos = now;
    return count;
  }
}
