package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The recoveries of a node, one after the other, each in a thread of its own: in an epoch in which
 * it is behind it tries until it has caught up, and tells ZooKeeper; in one in which nothing moves
 * any more it tries until it has dropped what is elsewhere now, which nobody else would remove.
 *
 * <p>Epochs begin and end by the one thread that follows them; the rest is safe for any number.
 */
final class Recoveries implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Recoveries.class);

  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** Between two attempts that will hardly do better: each asks for all that there is. */
  private static final Duration LONG_PAUSE = Duration.ofSeconds(10);

  private static final String FULL = "full";
  private static final String DAMAGED = "damaged";

  private final Outcome outcome;
  private final Replica replica;
  private final PeerCalls peers;
  private final BooleanSupplier held;

  /** Held while ZooKeeper is told that a recovery is done. */
  private final ReentrantLock marking = new ReentrantLock();

  private volatile @Nullable Recovery running;
  private volatile boolean closed;

  /** Whether this node is SYNCED in an epoch that is open. */
  private volatile boolean upToDate;

  /** The last one, since nothing has moved; null if there is none. */
  private volatile @Nullable Sweep sweep;

  /** Who is told that this node has caught up. */
  interface Outcome {
    /** An incarnation has every object that it should have in an epoch. */
    void caughtUp(int epoch, String incarnation) throws IOException;
  }

  /** Drops what this node is no place for. */
  private static final class Sweep {
    private final Recovery recovery;
    private final View.Placement placement;
    private volatile boolean done;

    /** Its epoch is over. */
    private volatile boolean ended;

    Sweep(Recovery recovery, View.Placement placement) {
      this.recovery = recovery;
      this.placement = placement;
    }
  }

  /**
   * None has begun.
   *
   * @param outcome called in the thread of a recovery
   * @param held whether nothing is to be fetched
   */
  Recoveries(Outcome outcome, Replica replica, PeerCalls peers, BooleanSupplier held) {
    this.outcome = outcome;
    this.replica = replica;
    this.peers = peers;
    this.held = held;
  }

  /**
   * An epoch is open: begins what has to be done in it.
   *
   * @param self this node in it
   * @param before the objects that were here before it was opened
   * @param incarnation of this node
   */
  void begin(View now, View.Peer self, List<ObjectId> before, String incarnation) {
    View.Placement placement = now.placement();
    upToDate = self.isSynced();
    if (now.isMoving()) {
      sweep = null; // it may be given up, but what has come by then is here
    }
    Recovery begun = new Recovery(now, self, replica, peers, before, held);
    Runnable duty;
    if (self.isSynced() && !now.isMoving()) {
      Sweep last = sweep;
      if (last != null && last.done && placement.equals(last.placement)) {
        return;
      }
      Sweep next = new Sweep(begun, placement);
      sweep = next;
      duty = () -> sweep(next);
    } else {
      running = begun;
      duty = () -> recover(begun, incarnation);
    }
    Thread worker = new Thread(() -> work(duty));
    worker.setName("sheep-recovery");
    worker.setDaemon(true);
    worker.start();
  }

  /** The epoch ends, and the attempts with it. */
  void end() {
    upToDate = false;
    running = null;
    Sweep last = sweep;
    if (last != null) {
      last.ended = true;
    }
  }

  RecoveryProgress progress(boolean isMember) {
    Recovery now = running;
    boolean behind = isMember && !upToDate;
    return now == null ? new RecoveryProgress(behind, 0, 0, 0) : now.progress();
  }

  private static void work(Runnable duty) {
    try {
      duty.run();
    } catch (RuntimeException e) {
      log.error("recovery failed, which is a bug", e);
    }
  }

  private void sweep(Sweep begun) {
    String last = "";
    while (!closed && !begun.ended) {
      try {
        begun.recovery.sweep();
        begun.done = true;
        return;
      } catch (IOException e) {
        if (!begun.ended && !e.toString().equals(last)) {
          log.info("what is elsewhere now cannot be dropped yet: {}", e.toString());
        }
        last = e.toString();
        if (!pause(PAUSE)) {
          return;
        }
      }
    }
  }

  private void recover(Recovery begun, String as) {
    String last = "";
    while (!closed && running == begun) {
      try {
        begun.run();
        markCaughtUp(begun, as);
        return;
      } catch (IOException e) {
        ResultCode result = e instanceof SheepException known ? known.result() : null;
        boolean isFull = result == ResultCode.NO_SPACE;
        boolean isDamaged = result == ResultCode.EIO;
        if (isFull && !last.equals(FULL)) {
          log.warn("this node cannot catch up before its disk has room: {}", e.toString());
        } else if (isDamaged && !last.equals(DAMAGED)) {
          log.error("this node cannot catch up before what is damaged is put right", e);
        } else if (!isFull && !isDamaged && !e.toString().equals(last)) {
          log.info("catching up is interrupted: {}", e.toString());
        }
        last = isFull ? FULL : isDamaged ? DAMAGED : e.toString();
        if (!pause(isFull || isDamaged ? LONG_PAUSE : PAUSE)) {
          return;
        }
      }
    }
  }

  /** Returns false if the thread is interrupted. */
  private static boolean pause(Duration time) {
    try {
      new Signal().await(time);
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /**
   * Notes the end of a recovery, unless another has begun. One after the other: the note of an
   * earlier epoch that is late would take the place of that of a later one, for which the cluster
   * would wait for ever.
   */
  private void markCaughtUp(Recovery done, String as) throws IOException {
    marking.lock();
    try {
      if (running == done) {
        outcome.caughtUp(done.epoch(), as);
        log.info("this node has all it should have in epoch {}", done.epoch());
      }
    } finally {
      marking.unlock();
    }
  }

  /** No attempt is made any more. */
  @Override
  public void close() {
    closed = true;
    running = null;
  }
}
