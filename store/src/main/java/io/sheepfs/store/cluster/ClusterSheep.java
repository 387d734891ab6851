package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sheep of a cluster. Requests of clients are carried out by one sheep, the leader of the epoch,
 * to which the others pass them on; each keeps its share of the objects, as a {@link Replica}.
 *
 * <p>Safe for any number of threads.
 */
public final class ClusterSheep implements SheepNode, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(ClusterSheep.class);

  private static final int DEFAULT_COPIES = 3;
  private static final Duration FORMAT_PATIENCE = Duration.ofMinutes(1);
  private static final Duration RETRY_PAUSE = Duration.ofMillis(50);

  private final ClusterOptions options;
  private final NodeStore store;
  private final PeerLinks links;
  private final PeerLinks recoveryLinks;
  private final PeerCalls peers;
  private final Replica replica;
  private final Registry registry;
  private final Follower follower;
  private final Neighbours neighbours;
  private final Presence presence;
  private final ExecutorService senders =
      Executors.newCachedThreadPool(new DaemonThreads("sheep-sender"));
  private final PastEpochs pastEpochs;
  private final ClusterOrders orders;
  private final Departures departures;
  private final InstantSource clock = InstantSource.system();

  @GuardedBy("this")
  private @Nullable View current;

  private volatile @Nullable View lastOpened;

  @GuardedBy("this")
  private @Nullable Term term;

  /** The last term of this node that was begun. */
  @GuardedBy("this")
  private String beginning = "";

  private volatile Runnable onLostLead = () -> {};
  private volatile Runnable onEnd = () -> {};
  private volatile Consumer<@Nullable NodeInfo> onEpoch = leader -> {};
  private volatile ResultCode state = ResultCode.WAIT_FOR_JOIN;
  private volatile boolean closed;

  /**
   * What the leader has beyond others.
   *
   * @param number as ZooKeeper counts them
   */
  record Term(
      String key,
      int number,
      VdiStore vdis,
      LocalObjects objects,
      CopyCheck copies,
      Leftovers leftovers) {}

  private ClusterSheep(ClusterOptions options, NodeStore store, Network network) {
    this.options = options;
    this.store = store;
    this.links = network.links();
    this.recoveryLinks = network.recoveryLinks();
    this.peers = new PeerCalls(links, recoveryLinks);
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
    this.orders = new ClusterOrders(this, registry, follower);
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
   * @throws IOException with a message for the user
   */
  public static ClusterSheep open(Path root, List<Path> disks, ClusterOptions options)
      throws IOException {
    NodeStore store = ClusterStore.open(root, disks);
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
    String wanted = termOf(view);
    boolean begins;
    boolean ends;
    synchronized (this) {
      current = view;
      lastOpened = view;
      Term known = term;
      ends = known != null && !(view.isLeader() && known.key().equals(wanted));
      if (known != null) {
        known.leftovers().look();
      }
      begins = view.isLeader() && !wanted.equals(beginning);
      if (begins) {
        beginning = wanted;
      }
      notifyAll();
    }
    state = ResultCode.SUCCESS;
    onEpoch.accept(view.isLeader() ? null : view.leader().map(View.Peer::node).orElse(null));
    if (ends) {
      loseLead();
    }
    if (begins) {
      Thread thread = new Thread(() -> lead(view, wanted), "sheep-term");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /**
   * What tells one term from all others: the session, what the cluster was formatted as, and since
   * when this node is SYNCED without a break.
   */
  private String termOf(View view) {
    View.Peer self = view.self();
    int since = self == null ? 0 : self.member().since();
    return follower.incarnation() + " " + view.layout().createTime() + " " + since;
  }

  /** No epoch is open. {@code keepsLead} if this node, without a break, leads the next one. */
  void closed(boolean keepsLead) {
    synchronized (this) {
      current = null;
      notifyAll();
    }
    state = ResultCode.WAIT_FOR_JOIN;
    if (!keepsLead) {
      loseLead();
    }
  }

  private void loseLead() {
    Term lost;
    synchronized (this) {
      lost = term;
      term = null;
    }
    if (lost != null) {
      lost.leftovers().look();
      onLostLead.run();
    }
  }

  private void lead(View view, String key) {
    Leading lead = new Leading(key);
    Room room =
        new Room(
            place -> place.isSelf() ? store.space() : peers.space(place.node()), System::nanoTime);
    Gateway gateway = new Gateway(lead, replica, peers, senders, room);
    CopyCheck copies = new CopyCheck(gateway, replica, peers, senders);
    while (isCurrentLead(key)) {
      try {
        int number = registry.beginTerm(follower.incarnation());
        ClusterChanges changes = new ClusterChanges(gateway, new ChangeLog(number));
        changes.replay();
        VdiStore vdis = new VdiStore(gateway, changes, clock, false);
        vdis.load(gateway.list());
        Leftovers leftovers = new Leftovers(lead, vdis.deletions(), replica, peers);
        int shift = view.layout().blockSizeShift();
        LocalObjects objects = new LocalObjects(gateway, vdis, this::checkServing, () -> shift);
        synchronized (this) {
          if (isCurrentLead(key)) {
            term = new Term(key, number, vdis, objects, copies, leftovers);
            notifyAll();
            log.info("leads from epoch {} on", view.number());
          }
        }
        Thread sweeper = new Thread(leftovers::run, "sheep-leftovers");
        sweeper.setDaemon(true);
        sweeper.start();
        scrub(lead, gateway, copies);
        return;
      } catch (IOException e) {
        log.warn("cannot lead yet: {}", e.toString());
        pause();
      } catch (RuntimeException e) {
        log.error("cannot lead, which is a bug; ending, so that another leads", e);
        onEnd.run();
        return;
      }
    }
  }

  /** Checks everything now and then, in the thread that began the term, until its end. */
  private void scrub(Leading lead, Gateway gateway, CopyCheck copies) {
    if (!options.scrubInterval().isZero()) {
      ScrubbedCluster cluster = new ScrubbedCluster(lead, gateway, replica, peers, copies);
      new Scrubber(cluster, options.scrubInterval()).run();
    }
  }

  /** Compares the copies of an object, and repairs those that are wrong; at the leader only. */
  public CopyCheck.Finding check(ObjectId oid) throws SheepException {
    return term().copies().check(oid);
  }

  @SuppressWarnings("WaitNotInLoop") // a pause that may be shorter
  private synchronized void pause() {
    try {
      wait(RETRY_PAUSE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private synchronized boolean isCurrentLead(String key) {
    View view = current;
    return !closed
        && key.equals(beginning)
        && key.startsWith(follower.incarnation() + " ")
        && (view == null || (view.isLeader() && key.equals(termOf(view))));
  }

  private final class ChangeLog implements ClusterChanges.Log {
    private final int number;

    ChangeLog(int number) {
      this.number = number;
    }

    @Override
    public byte[] read() throws IOException {
      return registry.change();
    }

    @Override
    public void write(byte[] record) throws IOException {
      registry.setChange(number, record);
    }

    @Override
    public void lost() {
      log.error("a change of VDIs may be half done; ending, so that the next leader completes it");
      onEnd.run();
    }
  }

  /**
   * One term of this node as the leader. What was begun in it ends with it: a request that slept
   * through the loss of the session must not go on when this node leads once more.
   */
  private final class Leading implements Gateway.Serving, ScrubbedCluster.Lead {
    private final String key;

    Leading(String key) {
      this.key = key;
    }

    @Override
    public boolean lasts() {
      return isCurrentLead(key);
    }

    @Override
    public View await(long deadlineNanos) throws SheepException {
      return awaitLead(key, deadlineNanos);
    }

    @Override
    public void awaitOther(View failed) throws SheepException {
      awaitOtherThan(failed);
    }

    @Override
    public boolean isCertain(View view) {
      return ClusterSheep.this.isCertain(view);
    }

    @Override
    public void refuse(View.Peer peer) {
      ClusterSheep.this.refuse(peer);
    }
  }

  private synchronized View awaitLead(String key, long deadlineNanos) throws SheepException {
    while (!closed) {
      View view = current;
      if (!isCurrentLead(key)) {
        throw new SheepException(ResultCode.NEW_NODE_VER, "another node leads");
      }
      if (view != null && isCertain(view)) {
        return view;
      }
      long left = deadlineNanos - System.nanoTime();
      if (left <= 0) {
        throw new SheepException(ResultCode.WAIT_FOR_JOIN, "the epoch does not open");
      }
      waitFor(Math.min(left, RETRY_PAUSE.toNanos()));
    }
    throw new SheepException(ResultCode.SHUTDOWN, "this node ends");
  }

  @SuppressWarnings("WaitNotInLoop") // the callers loop
  private synchronized void waitFor(long nanos) throws SheepException {
    try {
      wait(nanos / 1_000_000, (int) (nanos % 1_000_000));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SheepException(ResultCode.SHUTDOWN, "interrupted", e);
    }
  }

  private synchronized void awaitOtherThan(View failed) throws SheepException {
    follower.look();
    if (current == failed) {
      waitFor(RETRY_PAUSE.toNanos());
    }
  }

  private boolean isCertain(View view) {
    synchronized (this) {
      if (current != view) {
        return false;
      }
    }
    return registry.holdsLease(follower.incarnation());
  }

  private void refuse(View.Peer peer) {
    try {
      registry.refuse(peer.member().storeId(), peer.member().incarnation());
    } catch (IOException e) {
      log.warn("{} is still in the epoch", peer, e);
    }
  }

  private void checkServing() throws SheepException {
    if (closed || state == ResultCode.WAIT_FOR_FORMAT) {
      // not the field, which may say SUCCESS while this node ends: that would be an acknowledgement
      throw new SheepException(state(), "cluster " + options.cluster());
    }
  }

  /** This node was declared unfit, or is none of the cluster. */
  void mustEnd(String why) {
    log.error("{}; ending", why);
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

  /**
   * Who leads in an open epoch.
   *
   * @param node null if it is this node
   */
  public record Lead(int epoch, @Nullable NodeInfo node) {}

  /**
   * Waits until somebody leads.
   *
   * @throws SheepException if nobody does by the time
   */
  public synchronized Lead awaitLeader(long deadlineNanos) throws SheepException {
    while (!closed) {
      View view = current;
      if (view != null) {
        View.Peer leader = view.leader().orElse(null);
        if (leader != null && !leader.isSelf()) {
          return new Lead(view.number(), leader.node());
        }
        if (leader != null && term != null && isCertain(view)) {
          return new Lead(view.number(), null);
        }
      }
      long left = deadlineNanos - System.nanoTime();
      if (left <= 0 || state == ResultCode.WAIT_FOR_FORMAT || state == ResultCode.JOIN_FAILED) {
        throw new SheepException(
            state == ResultCode.SUCCESS ? ResultCode.WAIT_FOR_JOIN : state, "nobody leads");
      }
      waitFor(Math.min(left, RETRY_PAUSE.toNanos()));
    }
    throw new SheepException(ResultCode.SHUTDOWN, "this node ends");
  }

  /** Looks whether the epoch has changed, and waits a moment for that. */
  public synchronized void awaitChange() throws SheepException {
    follower.look();
    waitFor(RETRY_PAUSE.toNanos());
  }

  /** Whether surely nobody else leads: what was just read is not old. */
  public boolean leadsCertainly() {
    View view;
    synchronized (this) {
      view = current;
    }
    return view != null && view.isLeader() && isCertain(view);
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

  /** The same, in this very epoch. */
  public boolean leadsCertainly(int epoch) {
    return epoch() == epoch && leadsCertainly();
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
  public synchronized int epoch() {
    View view = current;
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

  /** The epoch that is open; null if none is. */
  synchronized @Nullable View view() {
    return current;
  }

  synchronized Term term() throws SheepException {
    Term now = term;
    if (now == null) {
      throw new SheepException(ResultCode.NEW_NODE_VER, "another node leads");
    }
    return now;
  }

  @Override
  public LocalObjects objects() throws SheepException {
    return term().objects();
  }

  @Override
  public VdiStore vdiStore() throws SheepException {
    return term().vdis();
  }

  /** The leader has them, and writes go to any node. */
  @Override
  public boolean knowsAllLocks() {
    return false;
  }

  @Override
  public void releaseLeases(Object owner) {
    Term now;
    synchronized (this) {
      now = term;
    }
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
    if (shift > Follower.MAX_BLOCK_SIZE_SHIFT || copies > Replica.MAX_NODES) {
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
      follower.format(layout, clock.instant());
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
      awaitChange();
    }
    Lead unused = awaitLeader(deadline);
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
    View view;
    synchronized (this) {
      view = current;
    }
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
    synchronized (this) {
      closed = true;
      notifyAll();
    }
    departures.close();
    presence.close();
    neighbours.close();
    follower.close();
    registry.close();
    links.close();
    recoveryLinks.close();
    senders.shutdown();
    store.close(replica.suspects());
  }
}
