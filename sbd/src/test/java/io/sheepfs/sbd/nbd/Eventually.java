package io.sheepfs.sbd.nbd;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Waits for what comes by itself. */
final class Eventually {

  private static final Duration DEADLINE = Duration.ofSeconds(60);

  /** What may fail for a while. */
  interface Attempt<T> {
    T run() throws IOException;
  }

  private Eventually() {}

  /** Waits until something is so. */
  static void is(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("it never came to: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  /** Tries until it works. */
  static <T> T succeeds(Attempt<T> attempt) throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE.toNanos();
    while (true) {
      try {
        return attempt.run();
      } catch (IOException e) {
        if (System.nanoTime() > deadline) {
          throw new AssertionError("it fails to the end", e);
        }
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }
}
