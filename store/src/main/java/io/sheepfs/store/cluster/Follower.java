package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.NodeStore;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.vdi.Headers;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the epoch log: takes part in each epoch in turn, and has the next one appended when it is
 * due ({@link Succession}). One thread does all of it but what takes long ({@link Recoveries}),
 * woken up by ZooKeeper; it looks by itself now and then, so that a lost watch costs a second and
 * nothing else.
 *
 * <p>The way through an epoch: close the replica; settle what the last epoch may have left half
 * done; tell that this node is ready; when all present members are, open.
 */
final class Follower implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Follower.class);

  private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);
  private static final Duration SETTLE_PAUSE = Duration.ofMillis(50);
  private static final int LEASE_RENEWALS = 6;

  private final ClusterSheep sheep;
  private final Registry registry;
  private final Replica replica;
  private final PeerCalls peers;
  private final NodeStore store;
  private final Signal signal;
  private final Thread thread = new Thread(this::run, "sheep-epochs");
  private final ScheduledExecutorService lease =
      Executors.newSingleThreadScheduledExecutor(new DaemonThreads("sheep-lease"));

  private volatile boolean closed;
  private volatile String incarnation = "";
  private volatile @Nullable Layout layout;
  private volatile @Nullable Epoch lastSeen;
  private volatile int lastEpoch;
  private volatile List<NodeInfo> found = List.of();
  private volatile Settings settings = Settings.NONE;

  // by the one thread only
  private @Nullable View view;
  private boolean settled;
  private boolean open;
  private boolean isSpare;
  private long tookPartNanos;
  private String endedFor = "";

  /** What was said of values that mean nothing. */
  private final Set<String> told = new HashSet<>();

  /** The objects that were here before the epoch was opened. */
  private List<ObjectId> before = List.of();

  private final Succession succession;
  private final Onlooker onlooker;
  private final DiskLoss diskLoss;
  private final Recoveries recoveries;

  Follower(
      ClusterSheep sheep,
      Registry registry,
      Replica replica,
      PeerCalls peers,
      NodeStore store,
      Signal signal) {
    this.sheep = sheep;
    this.registry = registry;
    this.replica = replica;
    this.peers = peers;
    this.store = store;
    this.signal = signal;
    this.onlooker = new Onlooker(sheep, registry, store.id());
    this.diskLoss = new DiskLoss(store, registry, peers, signal::raise);
    this.recoveries =
        new Recoveries(registry::markCaughtUp, replica, peers, () -> settings.holdsRecovery());
    this.succession =
        new Succession(registry, store.id(), sheep.options().sessionTimeout(), signal::raise);
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
    long period = sheep.options().sessionTimeout().toMillis() / LEASE_RENEWALS;
    ScheduledFuture<?> unused =
        lease.scheduleWithFixedDelay(this::renewLease, period, period, TimeUnit.MILLISECONDS);
  }

  private void renewLease() {
    try {
      registry.renewLease();
    } catch (IOException e) {
      log.debug("ZooKeeper is silent: {}", e.toString());
    }
  }

  String incarnation() {
    return incarnation;
  }

  @Nullable Layout layout() {
    return layout;
  }

  /** What administrators have set, as this node last saw it. */
  Settings settings() {
    return settings;
  }

  int lastEpoch() {
    return lastEpoch;
  }

  /** The newest epoch that this node knows, whether it takes part or not; null if it knows none. */
  @Nullable Epoch lastSeen() {
    return lastSeen;
  }

  /** Where this node stands; null if it is not a member. */
  @Nullable Seat seat() {
    Epoch seen = lastSeen;
    Member self = seen == null ? null : seen.member(store.id());
    return self == null ? null : self.seat();
  }

  List<NodeInfo> found() {
    return found;
  }

  RecoveryProgress recovery() {
    return recoveries.progress(seat() != null);
  }

  /** Has the thread look at once. */
  void look() {
    signal.raise();
  }

  private void run() {
    forceWhatIsLeft();
    while (!closed) {
      try {
        step();
      } catch (Registry.Nonsense e) {
        if (told.add(e.toString())) { // it does not go away by itself
          log.warn("cannot follow the cluster: {}", e.getMessage());
        }
      } catch (IOException e) {
        log.debug("cannot follow the cluster now: {}", e.toString(), e);
      } catch (RuntimeException e) {
        log.error("following the cluster failed, which is a bug", e);
      }
      try {
        boolean soon = (view != null && !settled) || succession.isPending();
        signal.await(soon ? SETTLE_PAUSE : LOOK_INTERVAL);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  /**
   * Makes durable what the last process wrote here, before this one is heard of. While that one was
   * gone, others may have flushed without this node, and what it alone has was not among it.
   */
  private void forceWhatIsLeft() {
    try {
      replica.files().flushAll();
    } catch (IOException e) {
      log.error("what an earlier process wrote is not durable", e);
    }
  }

  private void step() throws IOException {
    if (diskLoss.missing() != null) {
      sheep.setState(ResultCode.WAIT_FOR_JOIN);
      if (!diskLoss.goesOnWithoutMissing()) {
        return;
      }
    }
    String now =
        registry.join(sheep.announced(), sheep.options().virtualNodes() == null, store.loss());
    if (!now.equals(incarnation)) {
      stop(false);
      replica.forgetRecovered();
      incarnation = now;
      endedFor = "";
      log.info("joined as {}", now);
    }
    Layout agreed = registry.layout();
    if (agreed == null) {
      found = NodeLists.found(registry.members());
      sheep.setState(ResultCode.WAIT_FOR_FORMAT);
      return;
    }
    int last = registry.lastEpoch(agreed.createTime());
    Epoch epoch = epoch(agreed, last);
    Map<String, Registry.Found> members = registry.members();
    found = NodeLists.found(members);
    Wishes.Wanted wanted = registry.wishes().read(agreed.createTime());
    settings = wanted.settings();
    lastSeen = epoch;
    Member self = epoch.member(store.id());
    if (!adopt(agreed, self != null)) {
      standAside(agreed, epoch);
      if (isOf(agreed)) {
        onlooker.look(agreed, epoch);
      }
      return;
    }
    onlooker.end();
    if (goesOnWithoutDisk(agreed, epoch)) {
      return;
    }
    if (incarnation.equals(registry.refused(store.id()))) {
      stop(false);
      standAside(agreed, epoch);
      sheep.mustEnd("the disk of this node refused what those of others took");
      return;
    }
    boolean isMember = self != null && self.isPresent() && self.incarnation().equals(incarnation);
    if (isMember) {
      takePart(agreed, epoch);
    } else {
      stop(false);
      standAside(agreed, epoch);
    }
    OptionalLong waitsSince =
        view != null && !open ? OptionalLong.of(tookPartNanos) : OptionalLong.empty();
    succession.append(agreed, epoch, members, wanted, waitsSince);
  }

  /**
   * Does without a disk that has failed, as another incarnation, which is right in nothing until it
   * has caught up. This one has answered everything that it will, before it is looked once more
   * whether the others have it all.
   */
  private boolean goesOnWithoutDisk(Layout agreed, Epoch epoch) throws IOException {
    Path failed = diskLoss.failed();
    if (failed == null || !diskLoss.mayLose(failed, agreed, epoch)) {
      return false;
    }
    stop(false);
    diskLoss.lose(failed, agreed);
    registry.leave();
    signal.raise();
    return true;
  }

  /** Tells, if this node took part in an epoch before, that it has ended that. */
  private void standAside(Layout agreed, Epoch epoch) throws IOException {
    String wanted = agreed.createTime() + " " + epoch.number();
    if (view == null && !endedFor.isEmpty() && !endedFor.equals(wanted)) {
      registry.markReady(agreed.createTime(), epoch.number(), incarnation);
      endedFor = wanted;
    }
  }

  private Epoch epoch(Layout agreed, int number) throws IOException {
    View known = view;
    lastEpoch = number;
    return known != null
            && known.number() == number
            && known.layout().createTime() == agreed.createTime()
        ? known.epoch()
        : registry.epoch(agreed.createTime(), number);
  }

  /** Whether this node has adopted a layout. */
  private boolean isOf(Layout agreed) {
    Layout known = layout;
    return known != null && known.createTime() == agreed.createTime();
  }

  /** Whether this node is a member, and its store is of this cluster. */
  private boolean adopt(Layout agreed, boolean isMember) throws IOException {
    boolean isGateway = !isMember && sheep.options().isGateway();
    if (store.createTime() != agreed.createTime() && !isGateway) {
      // only who was there when the cluster was formatted may lose what it has
      boolean isEmpty = store.createTime() == 0;
      boolean wasFormatted = registry.epoch(agreed.createTime(), 1).member(store.id()) != null;
      if (!isEmpty && !wasFormatted) {
        stop(false);
        sheep.setState(ResultCode.JOIN_FAILED);
        sheep.mustEnd(store.root() + " has the objects of another cluster, or of another format");
        return false;
      }
      if (isMember) {
        log.info("the cluster was formatted; emptying {}", store.root());
        stop(false);
        replica.clear();
        store.formatted(
            agreed.createTime(),
            agreed.flags(),
            agreed.copies(),
            agreed.blockSizeShift(),
            agreed.driver());
      }
    }
    if (!isOf(agreed)) {
      sheep.forgetEpochs();
      layout = agreed;
      sheep.setState(ResultCode.WAIT_FOR_JOIN);
    }
    if (!isMember) {
      if (view != null || !isSpare) {
        log.info(
            "not on the ring; {}",
            isGateway ? "a gateway" : "waiting for 'dog cluster reweight', passing requests on");
      }
      stop(false);
    }
    isSpare = !isMember;
    return isMember;
  }

  /** Ends what this node does in an epoch. */
  private void stop(boolean keepsLead) {
    if (view != null) {
      sheep.closed(keepsLead);
      replica.close();
      view = null;
    }
    recoveries.end();
    settled = false;
    open = false;
  }

  private void takePart(Layout agreed, Epoch epoch) throws IOException {
    View now = view;
    if (now == null
        || now.number() != epoch.number()
        || now.layout().createTime() != agreed.createTime()) {
      View next = new View(agreed, epoch, store.id());
      boolean keepsLead =
          now != null
              && now.isLeader()
              && next.isLeader()
              && now.peer(store.id()).member().since() == next.peer(store.id()).member().since();
      boolean continues = now != null && next.continues(now);
      stop(keepsLead);
      if (!continues) {
        replica.forgetRecovered();
      }
      log.info("epoch {}: {}", epoch.number(), epoch.members());
      before = listOrEnd();
      replica.settle(next);
      view = next;
      now = next;
      tookPartNanos = System.nanoTime();
    }
    if (!settled && settle(now)) {
      if (now.peer(store.id()).isSynced()) {
        store.complete(); // before anybody can take it for right alone
      }
      registry.markReady(agreed.createTime(), epoch.number(), incarnation);
      endedFor = agreed.createTime() + " " + epoch.number();
      settled = true; // only now: a mark that failed has to be made again, for all wait for it
    }
    if (settled && !open && registry.areReady(now)) {
      store.settled();
      replica.open();
      open = true;
      sheep.opened(now);
      recoveries.begin(now, now.peer(store.id()), before, incarnation);
    }
  }

  /** All objects that are here; without them all would wait for this node. */
  private List<ObjectId> listOrEnd() throws SheepException {
    try {
      return replica.list();
    } catch (SheepException e) {
      if (diskLoss.failed() != null) {
        sheep.mustEnd("a disk has failed, and others need what is on it");
      }
      throw e;
    }
  }

  /** Makes agree what the last epoch may have left half done; false if it has to be tried again. */
  private boolean settle(View now) {
    View.Peer self = now.peer(store.id());
    try {
      for (ObjectId oid : replica.suspects()) {
        if (self.isSynced()) {
          settle(now, oid);
        } else {
          replica.forget(oid);
        }
        replica.cleared(oid);
      }
      return true;
    } catch (IOException e) {
      log.debug("not settled yet", e);
      return false;
    }
  }

  private void settle(View now, ObjectId oid) throws IOException {
    int copies = replica.copiesOf(now, oid);
    List<View.Peer> places = now.allPlaces(oid, copies);
    if (places.stream().noneMatch(View.Peer::isSelf)) {
      return;
    }
    View.Peer authority = authority(now, oid, copies);
    if (authority == null) {
      log.error("no node that is up to date has inode {} undamaged", oid);
      return;
    }
    for (View.Peer place : places) {
      if (place.isSelf() && !authority.isSelf()) {
        replica.repair(now.number(), oid, authority.node());
      } else if (!place.isSelf() && !place.equals(authority) && place.member().isPresent()) {
        peers.repair(place.node(), now.number(), oid, authority.node());
      }
    }
  }

  /** What a node has of an inode. */
  enum Held {
    SOUND,
    DAMAGED,
    MISSING
  }

  /** Looks at the inode of a node. */
  interface Look {
    Held at(View.Peer place) throws IOException;
  }

  private View.@Nullable Peer authority(View now, ObjectId oid, int copies) throws IOException {
    return oid.kind() == ObjectId.Kind.INODE
        ? authority(now.places(oid, copies), place -> held(now, oid, place))
        : now.authority(oid, copies);
  }

  /**
   * Whose inode all are to have: the first that can be believed, of those that are SYNCED. It is
   * the same for everybody, for whoever is before it gets what it has. None is ever removed but by
   * a creation that failed, which may just as well be completed; so one that only some have is
   * theirs.
   *
   * @return null if there is none, but a damaged one, so that there is nothing to agree on
   */
  static View.@Nullable Peer authority(List<View.Peer> places, Look look) throws IOException {
    View.Peer without = null;
    boolean isAnyDamaged = false;
    for (View.Peer place : places) {
      if (place.isSynced()) {
        switch (look.at(place)) {
          case SOUND -> {
            return place;
          }
          case DAMAGED -> isAnyDamaged = true;
          case MISSING -> without = without == null ? place : without;
        }
      }
    }
    return isAnyDamaged ? null : without;
  }

  private Held held(View now, ObjectId inode, View.Peer place) throws IOException {
    try {
      InodeHeader header =
          place.isSelf()
              ? Headers.sound(replica.files(), inode)
              : peers.header(place.node(), now.number(), inode);
      return header == null ? Held.DAMAGED : Held.SOUND;
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return Held.MISSING;
      }
      throw e;
    }
  }

  @Override
  public void close() {
    closed = true;
    recoveries.close();
    signal.raise();
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(10).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    lease.shutdownNow();
    sheep.closed(false);
    replica.close();
  }
}
