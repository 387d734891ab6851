package io.sheepfs.protocol.codec;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Deque;

/** How many bytes the requests of all clients together may take. Safe for any number of threads. */
public final class ByteBudget {

  private final long totalBytes;

  @GuardedBy("this")
  private long usedBytes;

  @GuardedBy("this")
  private final Deque<Runnable> waiters = new ArrayDeque<>();

  /** A budget of which nothing is used. */
  public ByteBudget(long totalBytes) {
    this.totalBytes = totalBytes;
  }

  /**
   * Takes {@code bytes} if there are as many.
   *
   * @param whenFreed called once, soon after bytes came back, if this returned false
   */
  public synchronized boolean tryTake(long bytes, Runnable whenFreed) {
    if (bytes > totalBytes - usedBytes) {
      waiters.add(whenFreed);
      return false;
    }
    usedBytes += bytes;
    return true;
  }

  /** Gives back what {@link #tryTake} took. */
  public void giveBack(long bytes) {
    Deque<Runnable> woken;
    synchronized (this) {
      usedBytes -= bytes;
      if (waiters.isEmpty()) {
        return;
      }
      woken = new ArrayDeque<>(waiters);
      waiters.clear();
    }
    woken.forEach(Runnable::run);
  }

  /** How many are taken. */
  public synchronized long usedBytes() {
    return usedBytes;
  }
}
