package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.telemetry.RecoveryEvent;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings a node up to date: it takes every object that it should have from whoever has the right
 * copy, and drops those that nobody has any more, which were deleted while it was away.
 *
 * <p><b>Whom to believe.</b> A SYNCED place of an object is right. Where an object has none, the
 * place is right that was SYNCED last. So a node has to wait for one that was SYNCED longer, unless
 * each object has a SYNCED place, for there are more copies than nodes that are not SYNCED; those
 * that ceased to be in the same epoch have to ask each other. A node that was never on the ring,
 * and one that has to fetch what is new to it, waits for all of them.
 *
 * <p>Run by one thread, which has some others help.
 */
final class Recovery {

  private static final Logger log = LoggerFactory.getLogger(Recovery.class);

  private static final int THREADS = 3;

  // what STAT_RECOVERY tells
  private static final int LISTING = 0;
  private static final int RECOVERING = 1;
  private static final int NOTIFYING = 2;

  private final View view;
  private final View.Peer self;
  private final Replica replica;
  private final PeerCalls peers;
  private final List<ObjectId> before;
  private final BooleanSupplier held;
  private final RecoveryPace pace;
  private final AtomicLong finished = new AtomicLong();

  /** What has still to be looked at by {@link #sweep}. */
  private List<ObjectId> unswept;

  private volatile int phase = LISTING;
  private volatile long total;

  /** A failure ends all threads. */
  private volatile boolean failed;

  /**
   * The recovery in an epoch.
   *
   * @param before the objects that were here before the epoch was opened
   * @param held whether nothing is to be fetched
   */
  Recovery(
      View view,
      View.Peer self,
      Replica replica,
      PeerCalls peers,
      List<ObjectId> before,
      BooleanSupplier held) {
    this.view = view;
    this.self = self;
    this.replica = replica;
    this.peers = peers;
    this.before = List.copyOf(before);
    this.unswept = this.before;
    this.held = held;
    this.pace =
        new RecoveryPace(
            () -> replica.isServing() || peers.areOthersBusy(),
            System::nanoTime,
            time -> new Signal().await(time));
  }

  int epoch() {
    return view.number();
  }

  RecoveryProgress progress() {
    return new RecoveryProgress(true, phase, finished.get(), Math.max(total, finished.get()));
  }

  /** Does it; fails if the epoch ends, if somebody has to be waited for, or while it is held. */
  void run() throws IOException {
    RecoveryEvent event = RecoveryEvent.started();
    try {
      bringUpToDate();
    } finally {
      event.ended(view.number(), finished.get());
    }
  }

  private void checkNotHeld() throws SheepException {
    if (held.getAsBoolean()) {
      throw new SheepException(ResultCode.HALT, "recovery is disabled");
    }
  }

  private void bringUpToDate() throws IOException {
    checkNotHeld();
    phase = LISTING;
    failed = false;
    finished.set(0);
    total = 0;
    Set<ObjectId> listed = new HashSet<>();
    for (View.Peer peer : view.present()) {
      boolean equal = peer.member().since() == self.member().since();
      if (!peer.isSelf() && (peer.isSynced() || equal)) {
        listed.addAll(peers.list(peer.node(), view.number()));
      }
    }
    Set<ObjectId> all = new HashSet<>(listed);
    all.addAll(before);
    List<ObjectId> describing = new ArrayList<>();
    List<ObjectId> data = new ArrayList<>();
    for (ObjectId oid : all) {
      boolean describes =
          oid.kind() == ObjectId.Kind.INODE || oid.kind() == ObjectId.Kind.ATTRIBUTE;
      (describes ? describing : data).add(oid);
    }
    total = all.size();
    phase = RECOVERING;
    dropDeleted(data, listed);
    bringAll(describing, listed);
    checkNobodyIsMissing();
    data.sort(null);
    bringAll(data, listed);
    for (List<ObjectId> gaps = replica.takeGaps(view);
        !gaps.isEmpty();
        gaps = replica.takeGaps(view)) {
      bringAll(gaps, Set.copyOf(gaps));
    }
    phase = NOTIFYING;
    replica.files().flushAll();
  }

  /** What was deleted goes first: the room that it takes may be what the rest needs. */
  private void dropDeleted(List<ObjectId> data, Set<ObjectId> listed) throws IOException {
    List<ObjectId> deleted = new ArrayList<>();
    for (ObjectId oid : data) {
      boolean isKnown = replica.exists(ObjectId.inode(oid.vid()));
      if (isKnown && !listed.contains(oid) && step(oid, false) == RecoveryPlan.Step.DROP) {
        deleted.add(oid);
      }
    }
    bringAll(deleted, listed);
    data.removeAll(new HashSet<>(deleted));
  }

  /**
   * Drops what this node is no place for any more; the ring has changed, and nothing moves. Another
   * call goes on with what a failure has left.
   *
   * @throws SheepException if some objects cannot be dropped now; those that can be are, unless the
   *     epoch is over
   */
  void sweep() throws SheepException {
    List<ObjectId> left = new ArrayList<>();
    SheepException failure = null;
    int dropped = 0;
    for (ObjectId oid : unswept) {
      if (failure != null && Verdict.isPassing(failure)) {
        left.add(oid); // the epoch is over
        continue;
      }
      try {
        // of what has no inode here nobody knows how many copies there should be
        boolean isKnown = replica.exists(ObjectId.inode(oid.vid()));
        if (isKnown && step(oid, true) == RecoveryPlan.Step.DROP) {
          if (!replica.isConfirmed(view, oid)) {
            throw new SheepException(
                ResultCode.EIO,
                "number of copies of VDI "
                    + oid.vid()
                    + ": no other inode says what that here does");
          }
          replica.drop(view, oid);
          dropped++;
        }
      } catch (SheepException e) {
        left.add(oid);
        failure = e;
      }
    }
    unswept = left;
    if (dropped > 0) {
      log.info("dropped {} objects that are elsewhere now", dropped);
    }
    if (failure != null) {
      throw failure;
    }
  }

  private RecoveryPlan.Step step(ObjectId oid, boolean isListed) throws SheepException {
    return RecoveryPlan.step(view, oid, replica.copiesOf(view, oid), isListed);
  }

  /** What there is no room for does not keep the rest from coming, which may need none. */
  private void bringAll(List<ObjectId> oids, Set<ObjectId> listed) throws IOException {
    AtomicInteger next = new AtomicInteger();
    AtomicInteger unfit = new AtomicInteger();
    Callable<Boolean> worker =
        () -> {
          boolean done = false;
          try {
            for (int i = next.getAndIncrement();
                i < oids.size() && !failed;
                i = next.getAndIncrement()) {
              if (!bring(oids.get(i), listed.contains(oids.get(i)))) {
                unfit.incrementAndGet();
              }
            }
            done = true;
            return true;
          } finally {
            failed |= !done;
          }
        };
    ExecutorService helpers =
        Executors.newFixedThreadPool(THREADS, new DaemonThreads("sheep-recoverer"));
    try {
      for (Future<Boolean> part : helpers.invokeAll(Collections.nCopies(THREADS, worker))) {
        boolean unused = part.get();
      }
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException failure) {
        throw failure;
      }
      throw new IllegalStateException("recovery", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SheepException(ResultCode.SHUTDOWN, "recovery", e);
    } finally {
      helpers.shutdown();
    }
    if (unfit.get() > 0) {
      throw new SheepException(ResultCode.NO_SPACE, unfit + " objects of this node do not fit");
    }
  }

  /** Returns whether there was room for it. */
  private boolean bring(ObjectId oid, boolean isListed)
      throws SheepException, InterruptedException {
    checkNotHeld();
    try {
      switch (step(oid, isListed)) {
        case FETCH -> pace.move(() -> replica.recover(view, oid));
        case DROP -> {
          if (replica.isConfirmed(view, oid)) {
            replica.drop(view, oid);
          }
        }
        case KEEP -> {}
      }
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_SPACE) {
        return false;
      }
      throw e;
    }
    finished.incrementAndGet();
    return true;
  }

  /** Whether an object could be right only on a node that is not SYNCED, and was it longer. */
  private void checkNobodyIsMissing() throws SheepException {
    View.Peer awaited = RecoveryPlan.awaited(view, fewestCopies());
    if (awaited != null) {
      throw new SheepException(
          ResultCode.HALT,
          "port " + awaited.node().port() + " may have newer objects, and is not up to date");
    }
  }

  private int fewestCopies() throws SheepException {
    int fewest = view.layout().copies();
    ByteBuffer first = ByteBuffer.allocate(1);
    for (ObjectId oid : replica.list()) {
      if (oid.kind() == ObjectId.Kind.INODE) {
        replica.files().read(oid, InodeLayout.NAME, first.clear());
        if (first.get(0) != 0) { // else it is deleted, and its objects are not needed
          fewest = Math.min(fewest, replica.copiesOf(view, ObjectId.data(oid.vid(), 0)));
        }
      }
    }
    return Math.min(fewest, view.zones());
  }
}
