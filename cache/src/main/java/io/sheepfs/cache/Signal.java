package io.sheepfs.cache;

/** Wakes those who wait for something to end. Safe for any number of threads. */
final class Signal {

  private long ticket;

  /** Changes each time the signal is given. To be read under the lock of what is waited for. */
  synchronized long ticket() {
    return ticket;
  }

  /** Wakes all who {@link #await}. */
  synchronized void give() {
    ticket++;
    notifyAll();
  }

  /** Waits, without any lock, until the signal is given after {@code seen} was read. */
  synchronized void await(long seen) {
    boolean interrupted = false;
    while (ticket == seen) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
