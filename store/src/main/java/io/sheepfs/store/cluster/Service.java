package io.sheepfs.store.cluster;

import java.util.function.LongSupplier;

/**
 * Whether clients were served lately. Safe for any number of threads; noting it costs a look at the
 * clock.
 */
final class Service {

  private static final long LATELY_NANOS = 500_000_000;
  private static final long GRAIN_NANOS = 10_000_000;

  private final LongSupplier nanoTime;
  private volatile long last;

  Service(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.last = nanoTime.getAsLong() - LATELY_NANOS;
  }

  /** Takes note of a request. */
  void served() {
    long now = nanoTime.getAsLong();
    if (now - last > GRAIN_NANOS) {
      last = now;
    }
  }

  boolean isBusy() {
    return nanoTime.getAsLong() - last < LATELY_NANOS;
  }
}
