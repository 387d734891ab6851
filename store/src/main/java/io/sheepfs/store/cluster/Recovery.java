package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.vdi.Headers;
import io.sheepfs.telemetry.RecoveryEvent;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentSkipListMap;
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

  /** What could not be brought, and why. */
  private final Map<ObjectId, SheepException> left = new ConcurrentSkipListMap<>();

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
    left.clear();
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
    checkNothingIsLeft();
    for (List<ObjectId> gaps = replica.takeGaps(view);
        !gaps.isEmpty();
        gaps = replica.takeGaps(view)) {
      bringAll(gaps, Set.copyOf(gaps));
      checkNothingIsLeft();
    }
    phase = NOTIFYING;
    replica.files().flushAll();
  }

  /** What was deleted goes first: the room that it takes may be what the rest needs. */
  private void dropDeleted(List<ObjectId> data, Set<ObjectId> listed) throws IOException {
    List<ObjectId> deleted = new ArrayList<>();
    for (ObjectId oid : data) {
      if (!listed.contains(oid) && isDeleted(oid)) {
        deleted.add(oid);
      }
    }
    bringAll(deleted, listed);
    data.removeAll(new HashSet<>(deleted));
  }

  /** Whether an object that others do not have is to be dropped, as far as anybody knows. */
  private boolean isDeleted(ObjectId oid) throws SheepException {
    try {
      return isKnown(oid) && step(oid, false) == RecoveryPlan.Step.DROP;
    } catch (SheepException e) {
      if (e.result() == ResultCode.EIO) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Whether there is an inode here: else nobody knows how many copies of an object there should be.
   *
   * @throws SheepException {@link ResultCode#EIO} if it is damaged, so that it is not known yet
   */
  private boolean isKnown(ObjectId oid) throws SheepException {
    ObjectId inode = ObjectId.inode(oid.vid());
    if (replica.isDamaged(inode)) {
      throw CatchUp.damaged(inode);
    }
    return replica.exists(inode);
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
        if (isKnown(oid) && step(oid, true) == RecoveryPlan.Step.DROP) {
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

  /** What cannot be brought is left, and does not keep the rest from coming. */
  private void bringAll(List<ObjectId> oids, Set<ObjectId> listed) throws IOException {
    AtomicInteger next = new AtomicInteger();
    Callable<Boolean> worker =
        () -> {
          boolean done = false;
          try {
            for (int i = next.getAndIncrement();
                i < oids.size() && !failed;
                i = next.getAndIncrement()) {
              bring(oids.get(i), listed.contains(oids.get(i)));
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
  }

  /**
   * Fails if something could not be brought.
   *
   * @throws SheepException {@link ResultCode#NO_SPACE} if all of it was for want of space, else
   *     {@link ResultCode#EIO}
   */
  private void checkNothingIsLeft() throws SheepException {
    int count = left.size();
    for (SheepException why : left.values()) {
      if (why.result() != ResultCode.NO_SPACE) {
        throw new SheepException(why.result(), count + " objects of this node are left", why);
      }
    }
    if (count > 0) {
      throw new SheepException(ResultCode.NO_SPACE, count + " objects of this node do not fit");
    }
  }

  private void bring(ObjectId oid, boolean isListed) throws SheepException, InterruptedException {
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
      if (e.result() != ResultCode.NO_SPACE && e.result() != ResultCode.EIO) {
        throw e;
      }
      left.put(oid, e);
      return;
    }
    finished.incrementAndGet();
  }

  /** Whether an object could be right only on a node that is not SYNCED, and was it longer. */
  private void checkNobodyIsMissing() throws SheepException {
    View.Peer awaited = RecoveryPlan.awaited(view, fewestCopies());
    if (awaited != null) {
      checkNothingIsLeft(); // what has to be mended is more than what has to be waited for
      throw new SheepException(
          ResultCode.HALT,
          "port " + awaited.node().port() + " may have newer objects, and is not up to date");
    }
  }

  private int fewestCopies() throws SheepException {
    int fewest = view.layout().copies();
    for (ObjectId inode : replica.inodes()) {
      InodeHeader header = Headers.sound(replica.files(), inode);
      if (header == null || !header.isDeleted()) { // what is deleted is not needed
        fewest = Math.min(fewest, replica.copiesOf(view, ObjectId.data(inode.vid(), 0)));
      }
    }
    return Math.min(fewest, view.zones());
  }
}
