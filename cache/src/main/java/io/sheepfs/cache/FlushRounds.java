package io.sheepfs.cache;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import org.jspecify.annotations.Nullable;

/**
 * Lets flushes of one VDI share work: who comes while a round is running waits for the next round,
 * which covers all that was written before, and one of those who wait runs it for all.
 */
final class FlushRounds {

  /** What a round does. */
  interface Round {
    void run() throws SheepException;
  }

  private long started;
  private long finished;
  private @Nullable SheepException outcome;

  /** Returns when a round that began after the call has succeeded. */
  void join(Round round) throws SheepException {
    long mine;
    synchronized (this) {
      mine = started + 1;
      boolean interrupted = false;
      while (started != finished) {
        try {
          wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      if (finished >= mine) {
        if (outcome != null) {
          throw new SheepException(outcome.result(), "flush with others", outcome);
        }
        return;
      }
      started++;
    }
    boolean ended = false;
    SheepException failure = null;
    try {
      round.run();
      ended = true;
    } catch (SheepException e) {
      failure = e;
      throw e;
    } finally {
      if (!ended && failure == null) {
        failure = new SheepException(ResultCode.SYSTEM_ERROR, "flush");
      }
      synchronized (this) {
        finished++;
        outcome = failure;
        notifyAll();
      }
    }
  }
}
