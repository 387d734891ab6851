package io.sheepfs.sbd.map;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for what the kernel or another process does by and by. */
final class Patience {

  private static final long STEP_MILLIS = 20;

  private Patience() {}

  /** Whether it came to be so before the time was up. */
  static boolean waitsFor(Duration longest, BooleanSupplier condition) throws IOException {
    long deadline = System.nanoTime() + longest.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        return false;
      }
      try {
        TimeUnit.MILLISECONDS.sleep(STEP_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("interrupted while waiting", e);
      }
    }
    return true;
  }
}
