package io.sheepfs.store.cluster;

import io.sheepfs.protocol.SheepException;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;

/**
 * How fast a recovery goes. As long as clients are served, here or where the objects come from, one
 * object is moved after the other, and after each there is a pause as long as the move took: so
 * disks and network have at least half of the time for clients, however fast they are. Else as many
 * are moved at a time as there are threads.
 *
 * <p>Safe for any number of threads.
 */
final class RecoveryPace {

  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);

  private final BooleanSupplier isServing;
  private final LongSupplier nanoTime;
  private final Pause pause;
  private final ReentrantLock single = new ReentrantLock();

  /** Waits. */
  interface Pause {
    void of(Duration time) throws InterruptedException;
  }

  /** Moves an object. */
  interface Move {
    void run() throws SheepException;
  }

  /**
   * A pace.
   *
   * @param isServing whether clients are served that the moves could disturb
   */
  RecoveryPace(BooleanSupplier isServing, LongSupplier nanoTime, Pause pause) {
    this.isServing = isServing;
    this.nanoTime = nanoTime;
    this.pause = pause;
  }

  /** Carries out a move, when it is its turn. */
  void move(Move move) throws SheepException, InterruptedException {
    if (!isServing.getAsBoolean()) {
      move.run();
      return;
    }
    single.lock();
    try {
      long begun = nanoTime.getAsLong();
      move.run();
      if (isServing.getAsBoolean()) {
        Duration took = Duration.ofNanos(nanoTime.getAsLong() - begun);
        pause.of(took.compareTo(LONGEST_PAUSE) < 0 ? took : LONGEST_PAUSE);
      }
    } finally {
      single.unlock();
    }
  }
}
