package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.ChangeNumbers.Outcome;
import io.sheepfs.store.cluster.PeerCalls.Sequence;
import io.sheepfs.store.cluster.Room.Need;
import io.sheepfs.store.object.StoredObjects;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The objects of the whole cluster, as its leader uses them during one term: a change goes to all
 * present places of the object at once, also to those where it will be, and is done when all have
 * it; a read is served by one SYNCED place, this node if it is one.
 *
 * <p>Whatever fails because of the epoch or the network is done again in the epoch that follows.
 * That may carry a change out twice, with nothing in between, for all changes set bytes or remove
 * objects. If a disk refuses a change that another took, the node of that disk is declared unfit,
 * and loses its place in the next epoch ({@link Verdict}). If it refuses for want of space, the
 * others give the change back ({@link NoSpace}).
 *
 * <p>Safe for any number of threads.
 */
final class Gateway implements StoredObjects {

  private static final Logger log = LoggerFactory.getLogger(Gateway.class);

  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int STRIPES = 1024;

  private final Serving serving;
  private final Replica own;
  private final PeerCalls peers;
  private final ExecutorService senders;
  private final Room room;
  private final NoSpace noSpace;

  /** A change of an object holds its turn for itself, and whoever reads it shares it. */
  private final ReentrantReadWriteLock[] turns = new ReentrantReadWriteLock[STRIPES];

  private final ChangeNumbers numbers = new ChangeNumbers();

  /** Who was declared unfit in an epoch. */
  @GuardedBy("this")
  private final Set<View.Peer> refused = new HashSet<>();

  @GuardedBy("this")
  private int refusedEpoch;

  /** When requests can be carried out. */
  interface Serving {

    /**
     * Waits until this node is the leader of an open epoch.
     *
     * @throws SheepException if it is not by the time, or the term is over
     */
    View await(long deadlineNanos) throws SheepException;

    /** Waits for another epoch than {@code failed}, but not for long. */
    void awaitOther(View failed) throws SheepException;

    /** Whether surely nobody else leads yet. */
    boolean isCertain(View view);

    /** Declares a node unfit. */
    void refuse(View.Peer peer);
  }

  Gateway(Serving serving, Replica own, PeerCalls peers, ExecutorService senders, Room room) {
    this.serving = serving;
    this.own = own;
    this.peers = peers;
    this.senders = senders;
    this.room = room;
    this.noSpace = new NoSpace(own, peers);
    for (int i = 0; i < STRIPES; i++) {
      turns[i] = new ReentrantReadWriteLock(true);
    }
  }

  /** What is to be done on one node. */
  private interface Step {
    void on(View view, View.Peer peer, Sequence sequence) throws IOException;
  }

  private static long deadline() {
    return System.nanoTime() + PATIENCE.toNanos();
  }

  private ReentrantReadWriteLock turn(ObjectId oid) {
    return turns[Math.floorMod(oid.hashCode(), STRIPES)];
  }

  private static SheepException late(String what, @Nullable IOException cause) {
    return cause == null
        ? new SheepException(ResultCode.HALT, what + ": no node has it, or too few are there")
        : new SheepException(ResultCode.NETWORK_ERROR, what, cause);
  }

  /**
   * Does {@code step} on all present places of an object, after all changes of it that came before:
   * every place has to make them in the same order. The number of each attempt stays unfinished
   * until one succeeds, so that no attempt is forgotten while it may be half done.
   *
   * @param outcome if all do it
   * @throws SheepException {@link ResultCode#NETWORK_ERROR} if nobody knows whether it is done
   */
  private void change(String what, ObjectId oid, Outcome outcome, Need need, long bytes, Step step)
      throws SheepException {
    List<Long> taken = new ArrayList<>(1);
    Outcome found = Outcome.HALF_DONE;
    Lock turn = turn(oid).writeLock();
    turn.lock();
    try {
      change(what, oid, need, bytes, step, taken);
      found = outcome;
    } catch (UnanimousRefusal e) {
      found = Outcome.REFUSED;
      throw e.refusal;
    } catch (SheepException e) {
      if (!taken.isEmpty() && Verdict.isPassing(e)) { // none that says that nothing was done
        throw new SheepException(ResultCode.NETWORK_ERROR, what + " of " + oid, e);
      }
      throw e;
    } finally {
      numbers.end(oid, taken, found);
      turn.unlock();
    }
  }

  /** Something to do with an object that nobody changes. */
  interface Look<T> {
    T at(View view) throws SheepException;
  }

  /**
   * Looks at an object between two changes of it.
   *
   * @throws SheepException also if the epoch ended meanwhile
   */
  <T> T undisturbed(ObjectId oid, Look<T> look) throws SheepException {
    Lock turn = turn(oid).writeLock();
    turn.lock();
    try {
      View view = serving.await(deadline());
      T found = look.at(view);
      if (!serving.isCertain(view)) {
        throw new SheepException(ResultCode.OLD_NODE_VER, "look at " + oid);
      }
      return found;
    } finally {
      turn.unlock();
    }
  }

  /** Whether copies of an object may differ, since a change of it has failed half way. */
  boolean isHalfDone(View view, ObjectId oid) {
    return numbers.isHalfDone(view.number(), oid);
  }

  /**
   * Makes the copies of an object equal that a change has left half done. Whoever asked for that
   * was told that it failed, so with or without it the object is right: each SYNCED place has what
   * was acknowledged. It is a change with a number, so that what is still on its way of the other
   * is refused.
   *
   * @param source the place whose copy the others get; null if no SYNCED place has the object
   */
  void settle(View view, ObjectId oid, View.@Nullable Peer source) throws SheepException {
    if (source == null) {
      removeEverywhere(oid);
      return;
    }
    try {
      boolean isHere = source.isSelf();
      NodeInfo node = source.node();
      int epoch = view.number();
      long stored =
          isHere ? own.storedBytes(epoch, false, oid) : peers.storedBytes(node, epoch, 0, oid);
      ByteBuffer whole = ByteBuffer.allocateDirect(Math.toIntExact(stored));
      if (isHere) {
        own.read(epoch, false, oid, 0, whole);
      } else if (stored > 0) {
        peers.read(node, epoch, 0, oid, 0, whole);
      }
      create(oid, 0, whole.flip(), Durability.STABLE, Need.NOTHING);
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "copy of " + oid, e);
    }
  }

  /** All SYNCED places say no, and so nothing has changed. */
  private static final class UnanimousRefusal extends Exception {
    private static final long serialVersionUID = 1;
    private final SheepException refusal;

    UnanimousRefusal(SheepException refusal) {
      super(refusal);
      this.refusal = refusal;
    }
  }

  private void change(String what, ObjectId oid, Need need, long bytes, Step step, List<Long> taken)
      throws SheepException, UnanimousRefusal {
    long deadline = deadline();
    IOException last = null;
    while (System.nanoTime() < deadline) {
      View view = serving.await(deadline);
      int copies = own.copiesOf(view, oid);
      List<View.Peer> synced =
          view.places(oid, copies).stream().filter(View.Peer::isSynced).toList();
      List<View.Peer> places =
          view.allPlaces(oid, copies).stream().filter(place -> place.member().isPresent()).toList();
      if (!synced.isEmpty()) {
        Map<View.Peer, IOException> failures;
        // what was begun has to be completed, if it is only for want of space that it cannot be
        Room.Claim claim = claim(synced, bytes, taken.isEmpty() ? need : Need.NOTHING);
        try {
          Sequence sequence = numbers.begin(view.number());
          taken.add(sequence.number());
          failures = onAll(view, places, sequence, step);
        } finally {
          claim.close();
        }
        if (failures.isEmpty()) {
          return;
        }
        String change = what + " of " + oid;
        Verdict<View.Peer> verdict = Verdict.of(change, places, synced, failures);
        if (verdict instanceof Verdict.Full<View.Peer> full) {
          verdict = giveBack(view, oid, need == Need.CREATE, places, full, taken);
        }
        for (View.Peer place : verdict.unfit()) {
          log.error(
              "{}: {} does not agree with the others, and goes",
              change,
              place,
              failures.get(place));
          refuse(view, place);
        }
        if (verdict instanceof Verdict.Refused<View.Peer> refused) {
          throw new UnanimousRefusal(refused.refusal());
        } else if (verdict instanceof Verdict.Again<View.Peer> again) {
          last = again.cause();
        }
      }
      serving.awaitOther(view);
    }
    throw late(what + " of " + oid, last);
  }

  /** A disk has no space for what others took. Never still {@link Verdict.Full}. */
  private Verdict<View.Peer> giveBack(
      View view,
      ObjectId oid,
      boolean isNew,
      List<View.Peer> places,
      Verdict.Full<View.Peer> full,
      List<Long> taken) {
    try {
      Sequence sequence = numbers.begin(view.number());
      taken.add(sequence.number());
      noSpace.giveBack(view, oid, full.keeper(), isNew, places, sequence);
      log.warn("{} has no space for a change of {}; nobody has it", full.keeper(), oid);
      return new Verdict.Refused<>(full.refusal(), List.of());
    } catch (IOException e) {
      if (Verdict.isPassing(e)) {
        return new Verdict.Again<>(e, List.of());
      }
      full.refusal().addSuppressed(e);
      return new Verdict.Again<>(full.refusal(), full.unfit());
    }
  }

  private Room.Claim claim(List<View.Peer> places, long bytes, Need need) throws UnanimousRefusal {
    try {
      return room.claim(places, bytes, need);
    } catch (SheepException full) {
      throw new UnanimousRefusal(full); // nobody was asked for the change yet
    }
  }

  private Map<View.Peer, IOException> onAll(
      View view, List<View.Peer> places, Sequence sequence, Step step) {
    Map<View.Peer, Future<?>> sent = new LinkedHashMap<>();
    Map<View.Peer, IOException> failures = new LinkedHashMap<>();
    View.Peer self = null;
    for (View.Peer place : places) {
      if (place.isSelf()) {
        self = place;
      } else {
        sent.put(
            place,
            senders.submit(
                () -> {
                  step.on(view, place, sequence);
                  return true;
                }));
      }
    }
    if (self != null) {
      try {
        step.on(view, self, sequence);
      } catch (IOException e) {
        failures.put(self, e);
      }
    }
    sent.forEach(
        (place, future) -> {
          IOException failure = outcome(future);
          if (failure != null) {
            failures.put(place, failure);
          }
        });
    return failures;
  }

  private static @Nullable IOException outcome(Future<?> future) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          Object unused = future.get();
          return null;
        } catch (InterruptedException e) {
          interrupted = true; // the buffers are in use until it ends
        } catch (ExecutionException e) {
          Throwable cause = e.getCause();
          return cause instanceof IOException failure
              ? failure
              : new SheepException(ResultCode.SYSTEM_ERROR, "change on a node", e);
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** What is asked of one place. */
  private interface Question<T> {
    T ask(View view, @Nullable NodeInfo other) throws IOException;
  }

  /**
   * Asks this node if it has the object, else the first other that answers. It waits for a change
   * that is under way: what only some places have of it may not be there any more in the next
   * epoch, and so nobody may have seen it.
   */
  private <T> T ask(String what, ObjectId oid, Question<T> question) throws SheepException {
    Lock turn = turn(oid).readLock();
    turn.lock();
    try {
      return askBetweenChanges(what, oid, question);
    } finally {
      turn.unlock();
    }
  }

  private <T> T askBetweenChanges(String what, ObjectId oid, Question<T> question)
      throws SheepException {
    long deadline = deadline();
    IOException last = null;
    while (System.nanoTime() < deadline) {
      View view = serving.await(deadline);
      List<View.Peer> places = new ArrayList<>();
      for (View.Peer place : view.places(oid, own.copiesOf(view, oid))) {
        if (place.isSynced()) {
          places.add(place.isSelf() ? 0 : places.size(), place);
        }
      }
      SheepException refusal = null;
      for (View.Peer place : places) {
        try {
          T answer = question.ask(view, place.isSelf() ? null : place.node());
          if (serving.isCertain(view)) {
            return answer;
          }
          break;
        } catch (SheepException e) {
          if (e.result() == ResultCode.NO_OBJ && serving.isCertain(view)) {
            throw e;
          }
          refusal = Verdict.isPassing(e) ? refusal : e;
          last = e;
        } catch (IOException e) {
          last = e;
        }
      }
      if (refusal != null && refusal.result() != ResultCode.NO_OBJ) {
        throw refusal;
      }
      serving.awaitOther(view);
    }
    throw late(what + " of " + oid, last);
  }

  @Override
  public void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException {
    int start = dst.position();
    int end = dst.limit();
    ByteBuffer unused =
        ask(
            "read",
            oid,
            (view, other) -> {
              dst.limit(end).position(start);
              if (other == null) {
                own.read(view.number(), false, oid, offset, dst);
              } else {
                peers.read(other, view.number(), 0, oid, offset, dst);
              }
              return dst;
            });
  }

  @Override
  public long storedBytes(ObjectId oid) throws SheepException {
    return ask(
        "size",
        oid,
        (view, other) ->
            other == null
                ? own.storedBytes(view.number(), false, oid)
                : peers.storedBytes(other, view.number(), 0, oid));
  }

  @Override
  public boolean isWithinReach(ObjectId oid) throws SheepException {
    View view = serving.await(System.nanoTime());
    return view.places(oid, own.copiesOf(view, oid)).stream().anyMatch(View.Peer::isSynced);
  }

  @Override
  public boolean exists(ObjectId oid) throws SheepException {
    try {
      return storedBytes(oid) >= 0;
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return false;
      }
      throw e;
    }
  }

  private static int distance(Sequence sequence) {
    return (int) (sequence.number() - sequence.oldestUnfinished());
  }

  @Override
  public void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    change(
        "write",
        oid,
        Outcome.DONE,
        oid.kind() == ObjectId.Kind.DATA ? Need.WRITE : Need.NOTHING,
        src.remaining(),
        (view, peer, n) -> {
          ByteBuffer bytes = src.duplicate();
          int epoch = view.number();
          if (peer.isSelf()) {
            own.write(epoch, n.number(), distance(n), oid, offset, bytes, durability);
          } else {
            peers.write(peer.node(), epoch, n, oid, offset, bytes, durability);
          }
        });
    src.position(src.limit());
  }

  @Override
  public void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    create(oid, offset, src, durability, Need.CREATE);
  }

  private void create(ObjectId oid, long offset, ByteBuffer src, Durability durability, Need need)
      throws SheepException {
    change(
        "creation",
        oid,
        Outcome.WHOLE,
        need,
        src.remaining(),
        (view, peer, n) -> {
          ByteBuffer bytes = src.duplicate();
          int epoch = view.number();
          if (peer.isSelf()) {
            own.create(epoch, n.number(), distance(n), oid, offset, bytes, durability);
          } else {
            peers.create(peer.node(), epoch, n, oid, offset, bytes, durability);
          }
        });
    src.position(src.limit());
  }

  @Override
  public void createCopy(
      ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException {
    long stored = storedBytes(source);
    int length = Math.toIntExact(Math.max(stored, offset + src.remaining()));
    ByteBuffer whole = ByteBuffer.allocateDirect(length);
    read(source, 0, whole.limit((int) stored));
    whole.limit(length).position((int) offset);
    whole.put(src);
    create(oid, 0, whole.position(0), durability);
  }

  @Override
  public void zero(ObjectId oid, long start, long end, long sizeBytes, Durability durability)
      throws SheepException {
    change(
        "discard",
        oid,
        Outcome.DONE,
        Need.NOTHING,
        0,
        (view, peer, n) -> {
          int epoch = view.number();
          if (peer.isSelf()) {
            own.zero(epoch, n.number(), distance(n), oid, start, end, sizeBytes, durability);
          } else {
            Replica.Range range = new Replica.Range(start, end, sizeBytes);
            peers.zero(peer.node(), epoch, n, oid, range, durability);
          }
        });
  }

  @Override
  public boolean remove(ObjectId oid) throws SheepException {
    boolean existed = exists(oid);
    removeEverywhere(oid);
    return existed;
  }

  private void removeEverywhere(ObjectId oid) throws SheepException {
    change(
        "removal",
        oid,
        Outcome.WHOLE,
        Need.NOTHING,
        0,
        (view, peer, n) -> {
          if (peer.isSelf()) {
            own.remove(view.number(), n.number(), distance(n), oid);
          } else {
            peers.remove(peer.node(), view.number(), n, oid);
          }
        });
  }

  @Override
  public void force(ObjectId oid) throws SheepException {
    change(
        "flush",
        oid,
        Outcome.DONE,
        Need.NOTHING,
        0,
        (view, peer, n) -> {
          if (peer.isSelf()) {
            own.force(view.number(), oid);
          } else {
            peers.force(peer.node(), view.number(), oid);
          }
        });
  }

  /** Something that every present node has to do. */
  private interface Duty {
    void on(View view, View.Peer peer) throws IOException;
  }

  /** Whether a duty is done when all have done it but some, which lose their places. */
  private interface Sparing {
    boolean at(View view, Set<View.Peer> unfit) throws SheepException;
  }

  private void everywhere(String what, Duty duty) throws SheepException {
    everywhere(what, duty, view -> true, (view, unfit) -> false);
  }

  /**
   * Does it in the first epoch that suffices, which has to be found again after a failure. Who
   * cannot do it, and can be spared, is declared unfit.
   */
  private void everywhere(String what, Duty duty, Look<Boolean> suffices, Sparing spares)
      throws SheepException {
    long deadline = deadline();
    IOException last = null;
    View insufficient = null;
    Sequence none = new Sequence(0, 0);
    while (System.nanoTime() < deadline) {
      View view = serving.await(deadline);
      if (view.equals(insufficient) || !suffices.at(view)) {
        insufficient = view;
        serving.awaitOther(view);
        continue;
      }
      Map<View.Peer, IOException> failures =
          onAll(view, view.present(), none, (as, peer, n) -> duty.on(as, peer));
      if (failures.isEmpty()) {
        return;
      }
      Set<View.Peer> unfit = new HashSet<>();
      SheepException refusal = null;
      for (Map.Entry<View.Peer, IOException> failure : failures.entrySet()) {
        last = failure.getValue();
        if (last instanceof SheepException known && !Verdict.isPassing(known)) {
          unfit.add(failure.getKey());
          refusal = known;
        }
      }
      if (refusal != null) {
        spare(what, view, unfit, refusal, spares);
      }
      serving.awaitOther(view);
    }
    throw late(what, last);
  }

  /** One after the other, as two that spare different nodes may not spare both. */
  private synchronized void spare(
      String what, View view, Set<View.Peer> unfit, SheepException refusal, Sparing spares)
      throws SheepException {
    Set<View.Peer> all = new HashSet<>(unfit);
    all.addAll(refused(view));
    if (!spares.at(view, all)) {
      throw refusal;
    }
    for (View.Peer peer : unfit) {
      log.error("{}: {} cannot do what others can, and goes", what, peer, refusal);
      refuse(view, peer);
    }
  }

  private synchronized void refuse(View view, View.Peer peer) {
    refused(view).add(peer);
    serving.refuse(peer);
  }

  /** Those who are declared unfit, and still in the epoch. */
  @GuardedBy("this")
  private Set<View.Peer> refused(View view) {
    if (refusedEpoch != view.number()) {
      refusedEpoch = view.number();
      refused.clear();
    }
    return refused;
  }

  /**
   * Reaches each node once; each syncs what it has unsynced of the VDI. Waits for a node that is
   * away with the only right copy of an object, for nobody knows what it has unsynced. One whose
   * disk fails is done without, if others have everything.
   */
  @Override
  public void flush(VdiId vid) throws SheepException {
    FlushReach reach = new FlushReach(this);
    everywhere(
        "flush of VDI " + vid,
        (view, peer) -> {
          if (peer.isSelf()) {
            own.flush(view.number(), vid);
          } else {
            peers.flush(peer.node(), view.number(), vid);
          }
        },
        view -> reach.isWhole(view, vid, copiesOf(view, vid)),
        (view, unfit) -> !view.isMoving() && FlushReach.isEnough(view, copiesOf(view, vid), unfit));
  }

  /** How many copies the data of a VDI has. */
  private int copiesOf(View view, VdiId vid) throws SheepException {
    return own.copiesOf(view, ObjectId.data(vid, 0));
  }

  @Override
  public void forceNames() throws SheepException {
    everywhere(
        "flush of names",
        (view, peer) -> {
          if (peer.isSelf()) {
            own.forceNames(view.number());
          } else {
            peers.forceNames(peer.node(), view.number());
          }
        });
  }

  /**
   * Of the inodes: every SYNCED node has them, but for those that its disk has lost, this one, too.
   */
  @Override
  public List<ObjectId> list() throws SheepException {
    View view = serving.await(deadline());
    List<View.Peer> synced = view.all().stream().filter(View.Peer::isSynced).toList();
    Set<ObjectId> inodes = ConcurrentHashMap.newKeySet();
    Map<View.Peer, IOException> failures =
        onAll(
            view,
            synced,
            new Sequence(0, 0),
            (as, peer, n) ->
                inodes.addAll(
                    peer.isSelf() ? own.inodes() : peers.inodes(peer.node(), as.number())));
    for (Map.Entry<View.Peer, IOException> failure : failures.entrySet()) {
      if (failure.getKey().isSelf() || Verdict.isPassing(failure.getValue())) {
        throw new SheepException(ResultCode.NETWORK_ERROR, "list of inodes", failure.getValue());
      }
      log.warn("{} cannot list its inodes", failure.getKey(), failure.getValue());
    }
    if (!serving.isCertain(view)) {
      throw new SheepException(ResultCode.OLD_NODE_VER, "list of objects");
    }
    return List.copyOf(inodes);
  }

  /** Those that any node has that is there: each may have some that others do not. */
  @Override
  public List<ObjectId> dataOf(VdiId vid) throws SheepException {
    Set<ObjectId> found = ConcurrentHashMap.newKeySet();
    everywhere(
        "list of the data of VDI " + vid,
        (view, peer) ->
            found.addAll(
                peer.isSelf() ? own.dataOf(vid) : peers.dataOf(peer.node(), view.number(), vid)));
    List<ObjectId> sorted = new ArrayList<>(found);
    sorted.sort(null);
    return sorted;
  }
}
