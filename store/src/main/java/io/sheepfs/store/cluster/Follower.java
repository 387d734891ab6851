package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.ClusterStore;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the epoch log: takes part in each epoch in turn, and appends the next one when it is due.
 * One thread does all of it, woken up by ZooKeeper; it looks by itself now and then, so that a lost
 * watch costs a second and nothing else.
 *
 * <p>The way through an epoch: close the replica; settle what the last epoch may have left half
 * done; tell that this node is ready; when all present members are, open.
 */
final class Follower implements AutoCloseable {

  /** The largest objects that fit into one message. */
  static final int MAX_BLOCK_SIZE_SHIFT = 23;

  private static final Logger log = LoggerFactory.getLogger(Follower.class);

  private static final Duration LOOK_INTERVAL = Duration.ofSeconds(1);
  private static final Duration SETTLE_PAUSE = Duration.ofMillis(50);
  private static final int LEASE_RENEWALS = 6;

  private final ClusterSheep sheep;
  private final Registry registry;
  private final Replica replica;
  private final PeerCalls peers;
  private final ClusterStore store;
  private final Signal signal;
  private final InstantSource clock = InstantSource.system();
  private final Thread thread = new Thread(this::run, "sheep-epochs");
  private final ScheduledExecutorService lease =
      Executors.newSingleThreadScheduledExecutor(new DaemonThreads("sheep-lease"));

  private volatile boolean closed;
  private volatile String incarnation = "";
  private volatile @Nullable Layout layout;
  private volatile int lastEpoch;
  private volatile List<NodeInfo> found = List.of();
  private volatile @Nullable Recovery recovery;

  /** Whether this node is SYNCED in an epoch that is open. */
  private volatile boolean upToDate;

  // by the one thread only
  private @Nullable View view;
  private boolean settled;
  private boolean open;
  private List<ObjectId> before = List.of();

  Follower(
      ClusterSheep sheep,
      Registry registry,
      Replica replica,
      PeerCalls peers,
      ClusterStore store,
      Signal signal) {
    this.sheep = sheep;
    this.registry = registry;
    this.replica = replica;
    this.peers = peers;
    this.store = store;
    this.signal = signal;
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

  int lastEpoch() {
    return lastEpoch;
  }

  List<NodeInfo> found() {
    return found;
  }

  RecoveryProgress recovery() {
    Recovery running = recovery;
    boolean behind = layout != null && !upToDate;
    return running == null ? new RecoveryProgress(behind, 0, 0, 0) : running.progress();
  }

  /** Has the thread look at once. */
  void look() {
    signal.raise();
  }

  private void run() {
    while (!closed) {
      try {
        step();
      } catch (IOException e) {
        log.debug("cannot follow the cluster now: {}", e.toString(), e);
      } catch (RuntimeException e) {
        log.error("following the cluster failed, which is a bug", e);
      }
      try {
        signal.await(view != null && !settled ? SETTLE_PAUSE : LOOK_INTERVAL);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void step() throws IOException {
    String now = registry.join(sheep.self());
    if (!now.equals(incarnation)) {
      stop(false);
      replica.forgetRecovered();
      incarnation = now;
      log.info("joined as {}", now);
    }
    Layout agreed = registry.layout();
    if (agreed == null) {
      found = nodes(registry.members());
      sheep.setState(ResultCode.WAIT_FOR_FORMAT);
      return;
    }
    if (!adopt(agreed)) {
      return;
    }
    int last = registry.lastEpoch(agreed.createTime());
    Epoch epoch = epoch(agreed, last);
    Map<String, Registry.Found> members = registry.members();
    found = nodes(members);
    Member self = epoch.member(store.id());
    if (incarnation.equals(registry.refused(store.id()))) {
      stop(false);
      sheep.mustEnd("the disk of this node refused what those of others took");
      return;
    }
    boolean isMember = self != null && self.isPresent() && self.incarnation().equals(incarnation);
    if (isMember) {
      takePart(agreed, epoch);
    } else {
      stop(false);
    }
    append(agreed, epoch, members);
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

  private static List<NodeInfo> nodes(Map<String, Registry.Found> members) {
    return ClusterSheep.sortedNodes(members.values().stream().map(Registry.Found::info).toList());
  }

  /** Whether this node is on the ring of the layout, and has its store. */
  private boolean adopt(Layout agreed) throws IOException {
    Layout known = layout;
    if (agreed.node(store.id()) == null) {
      stop(false);
      sheep.setState(ResultCode.JOIN_FAILED);
      sheep.mustEnd("the cluster was formatted without this node, and none can be added yet");
      return false;
    }
    if (store.createTime() != agreed.createTime()) {
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
    if (known == null || known.createTime() != agreed.createTime()) {
      sheep.forgetEpochs();
      layout = agreed;
      sheep.setState(ResultCode.WAIT_FOR_JOIN);
    }
    return true;
  }

  /** Ends what this node does in an epoch. */
  private void stop(boolean keepsLead) {
    if (view != null) {
      sheep.closed(keepsLead);
      replica.close();
      view = null;
    }
    upToDate = false;
    recovery = null;
    settled = false;
    open = false;
  }

  private void takePart(Layout agreed, Epoch epoch) throws IOException {
    View now = view;
    if (now == null
        || now.number() != epoch.number()
        || now.layout().createTime() != agreed.createTime()) {
      View next = new View(agreed, epoch, store.id());
      boolean keepsLead = now != null && now.isLeader() && next.isLeader();
      stop(keepsLead);
      log.info("epoch {}: {}", epoch.number(), epoch.members());
      before = replica.list();
      replica.settle(next);
      view = next;
      now = next;
    }
    if (!settled) {
      settled = settle(now);
      if (settled) {
        registry.markReady(now, incarnation);
      }
    }
    if (settled && !open && areReady(now)) {
      replica.open();
      open = true;
      sheep.opened(now);
      startRecovery(now);
    }
  }

  private boolean areReady(View now) throws IOException {
    return registry.areReady(now);
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
    List<View.Peer> places = now.places(oid, copies);
    if (places.stream().noneMatch(View.Peer::isSelf)) {
      return;
    }
    View.Peer authority = now.authority(oid, copies);
    for (View.Peer place : places) {
      if (place.isSelf() && !authority.isSelf()) {
        replica.repair(now.number(), oid, authority.node());
      } else if (!place.isSelf() && !place.equals(authority) && place.member().isPresent()) {
        peers.repair(place.node(), now.number(), oid, authority.node());
      }
    }
  }

  private void startRecovery(View now) {
    View.Peer self = now.peer(store.id());
    if (self.isSynced()) {
      upToDate = true;
      return;
    }
    Recovery begun = new Recovery(now, self, replica, peers, before);
    recovery = begun;
    String as = incarnation;
    Thread worker = new Thread(() -> recover(begun, as), "sheep-recovery");
    worker.setDaemon(true);
    worker.start();
  }

  private void recover(Recovery begun, String as) {
    while (!closed && recovery == begun) {
      try {
        begun.run();
        if (recovery == begun) {
          registry.markCaughtUp(begun.epoch(), as);
          log.info("this node has caught up");
        }
        return;
      } catch (IOException e) {
        log.info("catching up is interrupted: {}", e.toString());
        try {
          new Signal().await(LOOK_INTERVAL);
        } catch (InterruptedException interrupted) {
          return;
        }
      }
    }
  }

  /** Appends the epoch that is due, if there is one. */
  private void append(Layout agreed, Epoch epoch, Map<String, Registry.Found> members)
      throws IOException {
    Map<String, Membership.Alive> alive = new HashMap<>();
    for (Map.Entry<String, Registry.Found> member : members.entrySet()) {
      String id = member.getKey();
      String there = member.getValue().incarnation();
      if (!there.equals(registry.refused(id))) {
        alive.put(id, new Membership.Alive(there, registry.isCaughtUp(id, epoch.number(), there)));
      }
    }
    Epoch next = Membership.next(epoch, alive, clock.instant()).orElse(null);
    if (next != null) {
      boolean done = registry.append(agreed.createTime(), next);
      log.debug("epoch {} {}", next.number(), done ? "appended" : "was there already");
      signal.raise();
    }
  }

  /** Formats the cluster: all nodes that are there are on its ring. */
  void format(Layout wanted, Instant now) throws IOException {
    Map<String, Registry.Found> members = registry.members();
    if (members.isEmpty() || members.size() > Replica.MAX_NODES) {
      throw new SheepException(
          ResultCode.NO_SUPPORT, members.size() + " nodes; 1 to 8 are supported");
    }
    if (wanted.blockSizeShift() > MAX_BLOCK_SIZE_SHIFT || wanted.copies() > Replica.MAX_NODES) {
      throw new SheepException(ResultCode.NO_SUPPORT, "objects larger than 8 MiB");
    }
    Layout known = registry.layout();
    if (known != null && known.createTime() == wanted.createTime()) {
      throw new SheepException(ResultCode.INVALID_CTIME, "formatted at that time already");
    }
    List<Layout.Node> nodes = new ArrayList<>();
    List<Member> first = new ArrayList<>();
    for (NodeInfo node : nodes(members)) {
      members.forEach(
          (id, member) -> {
            if (member.info().equals(node)) {
              nodes.add(new Layout.Node(id, node));
              first.add(new Member(id, State.SYNCED, 1, member.incarnation()));
            }
          });
    }
    Layout complete =
        new Layout(
            wanted.createTime(),
            wanted.flags(),
            wanted.copies(),
            wanted.blockSizeShift(),
            wanted.driver(),
            nodes);
    registry.format(complete, new Epoch(1, now, first));
  }

  @Override
  public void close() {
    closed = true;
    recovery = null;
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
