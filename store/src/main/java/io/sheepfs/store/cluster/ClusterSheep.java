package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.store.ClusterStore;
import io.sheepfs.store.LocalObjects;
import io.sheepfs.store.NodeStore;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.vdi.VdiStore;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sheep of a cluster. Requests of clients are carried out by one sheep, the leader of the epoch
 * ({@link Leadership}), to which the others pass them on; each keeps its share of the objects, as a
 * {@link Replica}, and takes part in the epochs as its {@link Follower} says.
 *
 * <p>Safe for any number of threads.
 */
public final class ClusterSheep implements SheepNode, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(ClusterSheep.class);

  private static final int DEFAULT_COPIES = 3;
  private static final Duration FORMAT_PATIENCE = Duration.ofMinutes(1);

  private final ClusterOptions options;
  private final NodeStore store;
  private final PeerLinks links;
  private final PeerLinks recoveryLinks;
  private final Replica replica;
  private final Registry registry;
  private final Follower follower;
  private final Neighbours neighbours;
  private final Presence presence;
  private final PastEpochs pastEpochs;
  private final Leadership leadership;
  private final ClusterOrders orders;
  private final Departures departures;
  private final InstantSource clock = InstantSource.system();

  private volatile @Nullable View lastOpened;
  private volatile Runnable onLostLead = () -> {};
  private volatile Runnable onEnd = () -> {};
  private volatile Consumer<@Nullable NodeInfo> onEpoch = leader -> {};
  private volatile ResultCode state = ResultCode.WAIT_FOR_JOIN;
  private volatile boolean closed;

  private ClusterSheep(ClusterOptions options, NodeStore store, Network network) {
    this.options = options;
    this.store = store;
    this.links = network.links();
    this.recoveryLinks = network.recoveryLinks();
    PeerCalls peers = new PeerCalls(links, recoveryLinks);
    this.replica = new Replica(store.files(), peers, store::space);
    replica.suspect(store.suspects());
    Signal signal = new Signal();
    Signal presenceChanged = new Signal();
    Agreement agreement =
        network.agreement(
            () -> {
              signal.raise();
              presenceChanged.raise();
            });
    this.registry = new Registry(agreement, store.id());
    this.pastEpochs = new PastEpochs(registry, store.id());
    this.follower = new Follower(this, registry, replica, peers, store, signal);
    this.leadership = new Leadership(this, registry, follower, replica, peers, store, clock);
    this.orders = new ClusterOrders(leadership, registry, follower);
    this.departures = new Departures(store.storeDisks(), replica);
    this.neighbours =
        new Neighbours(
            registry, network, options.sessionTimeout(), store.id(), presenceChanged::raise);
    this.presence =
        new Presence(
            registry, follower, neighbours, List.of(links, recoveryLinks), presenceChanged);
  }

  /**
   * Opens the store and begins to follow the cluster.
   *
   * @param disks directories for the objects; none to keep them in {@code root}
   * @param without those of earlier that the node is to do without, as soon as it may
   * @throws IOException with a message for the user
   */
  public static ClusterSheep open(
      Path root, List<Path> disks, List<Path> without, ClusterOptions options) throws IOException {
    NodeStore store = ClusterStore.open(root, disks, without);
    return new ClusterSheep(options, store, Network.over(options));
  }

  /** The same with another store and network. */
  static ClusterSheep open(NodeStore store, Network network, ClusterOptions options) {
    return new ClusterSheep(options, store, network);
  }

  /**
   * Begins to take part. The server has to answer other sheep by now.
   *
   * @param lostLead called when others may lead from now on: what clients hold here has ended
   * @param end called when this process has to end
   */
  public void start(Runnable lostLead, Runnable end) {
    onLostLead = lostLead;
    onEnd = end;
    follower.start();
    presence.start();
    departures.start();
    neighbours.start();
  }

  ClusterOptions options() {
    return options;
  }

  // --- what the follower tells ---

  void setState(ResultCode now) {
    state = now;
  }

  /** An epoch is open. */
  void opened(View view) {
    lastOpened = view;
    state = ResultCode.SUCCESS;
    leadership.opened(view);
    onEpoch.accept(view.isLeader() ? null : view.leader().map(View.Peer::node).orElse(null));
  }

  /** No epoch is open. {@code keepsLead} if this node, without a break, leads the next one. */
  void closed(boolean keepsLead) {
    state = ResultCode.WAIT_FOR_JOIN;
    leadership.closed(keepsLead);
  }

  /** Others may lead from now on. */
  void lostLead() {
    onLostLead.run();
  }

  /** Why no request can be served, although this node does not end; or SUCCESS. */
  ResultCode reason() {
    return state;
  }

  void checkServing() throws SheepException {
    if (closed || state == ResultCode.WAIT_FOR_FORMAT) {
      // not the field, which may say SUCCESS while this node ends: that would be an acknowledgement
      throw new SheepException(state(), "cluster " + options.cluster());
    }
  }

  /** This node was declared unfit, or is none of the cluster. */
  void mustEnd(String why) {
    log.error("{}; ending", why);
    end();
  }

  /** Has this process end. */
  void end() {
    onEnd.run();
  }

  // --- what the server needs to pass requests on ---

  /** Has {@code told} called with the leader of each epoch that opens; null if it is this node. */
  public void onEpoch(Consumer<@Nullable NodeInfo> told) {
    onEpoch = told;
  }

  /** The objects of this node. */
  public Replica replica() {
    return replica;
  }

  /** The connections to the others. */
  public PeerLinks links() {
    return links;
  }

  /** Who leads. */
  public Leadership leadership() {
    return leadership;
  }

  /**
   * It has not heard of ZooKeeper for longer than a session, or has no part in the epoch and does
   * not hear the leader. Before that a request that it has passed on could still be carried out.
   */
  @Override
  public boolean isAside() {
    if (registry.lostLease(options.sessionTimeout())) {
      return true;
    }
    Epoch epoch = follower.lastSeen();
    Epoch.Member self = epoch == null ? null : epoch.member(store.id());
    Epoch.Member leader = epoch == null ? null : epoch.leader().orElse(null);
    return leader != null
        && (self == null || !self.isPresent())
        && neighbours.silent().contains(PeerCalls.address(leader.seat().node()));
  }

  /** How far the node is with catching up. */
  public RecoveryProgress recovery() {
    return follower.recovery();
  }

  /** The other nodes that are there, also those that are not on the ring. */
  public List<NodeInfo> others() throws SheepException {
    NodeInfo self = self();
    return follower.found().stream()
        .filter(node -> node.port() != self.port() || !node.address().equals(self.address()))
        .toList();
  }

  // --- SheepNode ---

  @Override
  public ResultCode state() {
    return closed ? ResultCode.SHUTDOWN : state;
  }

  @Override
  public int epoch() {
    View view = leadership.view();
    return view == null ? follower.lastEpoch() : view.number();
  }

  /** What its number of copies may have lost; another number of copies is another number. */
  @Override
  public long incarnation(VdiId vid) throws SheepException {
    View view = lastOpened;
    if (view == null) {
      throw new SheepException(ResultCode.NEW_NODE_VER, "no epoch was open here");
    }
    int copies = Math.min(replica.copiesOf(view, ObjectId.data(vid, 0)), view.zones());
    return view.layout().createTime() + view.epoch().losses().of(copies);
  }

  @Override
  public LocalObjects objects() throws SheepException {
    return leadership.term().objects();
  }

  @Override
  public VdiStore vdiStore() throws SheepException {
    return leadership.term().vdis();
  }

  @Override
  public void releaseLeases(Object owner) {
    Leadership.Term now = leadership.termOrNull();
    if (now != null) {
      now.vdis().locks().releaseAll(owner);
    }
  }

  @Override
  public VdiSpec withDefaults(VdiSpec spec) throws SheepException {
    Layout layout = follower.layout();
    if (layout == null) {
      throw new SheepException(ResultCode.WAIT_FOR_FORMAT, "cluster " + options.cluster());
    }
    int shift = spec.blockSizeShift() == 0 ? layout.blockSizeShift() : spec.blockSizeShift();
    int copies = spec.copies() == 0 ? follower.settings().copiesOr(layout) : spec.copies();
    if (shift > Layout.MAX_BLOCK_SIZE_SHIFT || copies > Replica.MAX_NODES) {
      throw new SheepException(ResultCode.NO_SUPPORT, "objects of 2^" + shift + " bytes");
    }
    if (spec.sizeBytes() > VdiSpec.maxSizeBytes(shift)) {
      throw new SheepException(ResultCode.INVALID_PARMS, spec.sizeBytes() + " bytes");
    }
    return new VdiSpec(spec.sizeBytes(), copies, shift);
  }

  @Override
  public void format(long createTime, int copies, int blockSizeShift, int flags, String storeDriver)
      throws SheepException {
    if (!storeDriver.equals("plain") && !storeDriver.equals("tree")) {
      throw new SheepException(ResultCode.NO_STORE, "store '" + storeDriver + "'");
    }
    Layout layout =
        new Layout(
            createTime,
            flags,
            copies == 0 ? DEFAULT_COPIES : copies,
            blockSizeShift == 0 ? VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT : blockSizeShift,
            storeDriver);
    try {
      orders.format(layout, clock.instant());
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.CLUSTER_ERROR, "format", e);
    }
    long deadline = System.nanoTime() + FORMAT_PATIENCE.toNanos();
    while (createTime() != createTime || state() != ResultCode.SUCCESS) {
      if (System.nanoTime() > deadline) {
        throw new SheepException(ResultCode.WAIT_FOR_JOIN, "format");
      }
      leadership.awaitChange();
    }
    Leadership.Leader unused = leadership.await(deadline);
  }

  @Override
  public int flags() {
    Layout layout = follower.layout();
    return layout == null ? 0 : layout.flags();
  }

  @Override
  public long createTime() {
    Layout layout = follower.layout();
    return layout == null ? 0 : layout.createTime();
  }

  @Override
  public ClusterInfo info() throws SheepException {
    Layout layout = follower.layout();
    if (layout == null) {
      return new ClusterInfo(
          state(),
          null,
          DEFAULT_COPIES,
          VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT,
          "plain",
          0,
          false,
          List.of());
    }
    return new ClusterInfo(
        state(),
        InodeHeader.instant(layout.createTime()),
        follower.settings().copiesOr(layout),
        layout.blockSizeShift(),
        layout.driver(),
        layout.flags(),
        follower.settings().holdsRecovery(),
        pastEpochs.downFrom(follower.lastEpoch(), layout));
  }

  void forgetEpochs() {
    pastEpochs.forget();
  }

  /** The members of the epoch, and the gateways; before the first, all who are there. */
  @Override
  public List<NodeInfo> nodes() throws SheepException {
    View view = leadership.view();
    List<NodeInfo> found = follower.found();
    return view == null ? found : NodeLists.serving(view, found);
  }

  @Override
  public NodeInfo self() throws SheepException {
    Seat seat = follower.seat();
    return seat == null ? announced() : seat.placed();
  }

  /** This node as it was started, wherever it stands. */
  NodeInfo announced() throws SheepException {
    return new NodeInfo(
        options.address(),
        options.port(),
        options.points(),
        options.zoneNumber(),
        space().totalBytes());
  }

  /** What administrators order. */
  public ClusterOrders orders() {
    return orders;
  }

  /** The disks of this node that come and go. */
  public Departures departures() {
    return departures;
  }

  /** None for a gateway: nothing of the cluster can be there. */
  @Override
  public Space space() throws SheepException {
    boolean isGateway = options.isGateway() && follower.seat() == null;
    return isGateway ? new Space(0, 0) : store.space();
  }

  @Override
  public List<Path> disks() {
    return store.disks();
  }

  @Override
  public Space spaceOf(Path disk) throws SheepException {
    return store.spaceOf(disk);
  }

  @Override
  public Path root() {
    return store.root();
  }

  /** Leaves the cluster and lets the directory go, with everything on stable storage. */
  @Override
  public void close() throws IOException {
    closed = true;
    leadership.end();
    departures.close();
    presence.close();
    neighbours.close();
    follower.close();
    registry.close();
    links.close();
    recoveryLinks.close();
    leadership.close();
    store.close(replica.suspects());
  }
}
