package io.sheepfs.store.server;

import java.util.ArrayDeque;
import java.util.Deque;

/** How many bytes all requests together may take. Safe for any number of threads. */
final class MemoryBudget {

  private final long totalBytes;
  private long usedBytes;
  private final Deque<Runnable> waiters = new ArrayDeque<>();

  MemoryBudget(long totalBytes) {
    this.totalBytes = totalBytes;
  }

  /**
   * Takes {@code bytes} if there are as many.
   *
   * @param whenFreed called once, soon after bytes came back, if this returned false
   */
  synchronized boolean tryTake(long bytes, Runnable whenFreed) {
    if (bytes > totalBytes - usedBytes) {
      waiters.add(whenFreed);
      return false;
    }
    usedBytes += bytes;
    return true;
  }

  void giveBack(long bytes) {
    Deque<Runnable> woken;
    synchronized (this) {
      usedBytes -= bytes;
      woken = new ArrayDeque<>(waiters);
      waiters.clear();
    }
    woken.forEach(Runnable::run);
  }

  synchronized long usedBytes() {
    return usedBytes;
  }
}
