package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;

/** Wakes one thread up. A signal that nobody waits for is kept. */
final class Signal {

  @GuardedBy("this")
  private boolean raised;

  synchronized void raise() {
    raised = true;
    notifyAll();
  }

  /** Returns when the signal was raised since the last call, or after the time. */
  synchronized void await(Duration time) throws InterruptedException {
    long deadline = System.nanoTime() + time.toNanos();
    while (!raised) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        break;
      }
      wait(left / 1_000_000 + 1);
    }
    raised = false;
  }
}
