package io.sheepfs.cache;

import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Waits for threads that are to wait for each other. */
final class Waiting {

  private Waiting() {}

  /** Returns when the thread waits for something, or its work is done. */
  static void untilWaitsOrDone(Thread[] thread, Future<?> work) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!work.isDone() && (thread[0] == null || !waits(thread[0]))) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException("it neither waits nor ends");
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static boolean waits(Thread thread) {
    Thread.State state = thread.getState();
    return state == Thread.State.WAITING || state == Thread.State.TIMED_WAITING;
  }
}
