package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.LocalObjects;
import io.sheepfs.store.NodeStore;
import io.sheepfs.store.cluster.ScrubbedCluster.Lead;
import io.sheepfs.store.vdi.VdiStore;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who leads the epoch that is open, and what this node does and has while it is the one: its terms,
 * one after the other.
 *
 * <p><b>A term</b> lasts over epochs, as long as this node leads each of them with the same
 * session, SYNCED without a break; its key says so. Three things hold:
 *
 * <ul>
 *   <li>There is at most one term, and its key is that of the epoch which is open, if any is.
 *   <li>What was begun in a term ends with it. A request that slept through the loss of the session
 *       must not go on when this node leads once more, as it would with the key of another term.
 *   <li>Nothing counts as certain that was found in an epoch which may have ended elsewhere: the
 *       epoch has to be the one that is open, and the lease of the session to be held, afterwards.
 * </ul>
 *
 * <p>Safe for any number of threads.
 */
public final class Leadership {

  private static final Logger log = LoggerFactory.getLogger(Leadership.class);

  private static final Duration RETRY_PAUSE = Duration.ofMillis(50);

  private final ClusterSheep sheep;
  private final Registry registry;
  private final Follower follower;
  private final Replica replica;
  private final PeerCalls peers;
  private final NodeStore store;
  private final InstantSource clock;
  private final ExecutorService senders =
      Executors.newCachedThreadPool(new DaemonThreads("sheep-sender"));

  /** The epoch that is open; null if none is. */
  @GuardedBy("this")
  private @Nullable View current;

  @GuardedBy("this")
  private @Nullable Term term;

  /** The key of the last term that was begun. */
  @GuardedBy("this")
  private String beginning = "";

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

  /**
   * Who leads in an open epoch.
   *
   * @param node null if it is this node
   */
  public record Leader(int epoch, @Nullable NodeInfo node) {}

  Leadership(
      ClusterSheep sheep,
      Registry registry,
      Follower follower,
      Replica replica,
      PeerCalls peers,
      NodeStore store,
      InstantSource clock) {
    this.sheep = sheep;
    this.registry = registry;
    this.follower = follower;
    this.replica = replica;
    this.peers = peers;
    this.store = store;
    this.clock = clock;
  }

  // --- what the follower tells ---

  /** An epoch is open. */
  void opened(View view) {
    String wanted = keyOf(view);
    boolean begins;
    boolean ends;
    synchronized (this) {
      current = view;
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
    if (ends) {
      lose();
    }
    if (begins) {
      Thread thread = new Thread(() -> lead(view, wanted), "sheep-term");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /** No epoch is open. {@code keepsLead} if this node, without a break, leads the next one. */
  void closed(boolean keepsLead) {
    synchronized (this) {
      current = null;
      notifyAll();
    }
    if (!keepsLead) {
      lose();
    }
  }

  /** This node ends. */
  void end() {
    synchronized (this) {
      closed = true;
      notifyAll();
    }
  }

  /** To be called when no request is under way any more. */
  void close() {
    senders.shutdown();
  }

  /**
   * What tells one term from all others: the session, what the cluster was formatted as, and since
   * when this node is SYNCED without a break.
   */
  private String keyOf(View view) {
    View.Peer self = view.self();
    int since = self == null ? 0 : self.member().since();
    return follower.incarnation() + " " + view.layout().createTime() + " " + since;
  }

  private void lose() {
    Term lost;
    synchronized (this) {
      lost = term;
      term = null;
    }
    if (lost != null) {
      lost.leftovers().look();
      sheep.lostLead();
    }
  }

  private synchronized boolean isCurrent(String key) {
    View view = current;
    return !closed
        && key.equals(beginning)
        && key.startsWith(follower.incarnation() + " ")
        && (view == null || (view.isLeader() && key.equals(keyOf(view))));
  }

  /** Whether the epoch that is open is led in this term, so that no later one can have begun. */
  private boolean leads(String key) {
    View view = view();
    return view != null && isCurrent(key) && isCertain(view);
  }

  // --- a term ---

  /** Begins a term, and checks copies in this thread until its end. */
  private void lead(View view, String key) {
    Holding lead = new Holding(key);
    Room room =
        new Room(
            place -> place.isSelf() ? store.space() : peers.space(place.node()), System::nanoTime);
    Gateway gateway = new Gateway(lead, replica, peers, senders, room);
    CopyCheck copies = new CopyCheck(gateway, replica, peers, senders);
    String told = "";
    while (isCurrent(key)) {
      try {
        begin(view, lead, gateway, copies);
        scrub(lead, gateway, copies);
        return;
      } catch (IOException e) {
        if (!e.toString().equals(told)) { // it is tried again soon, for as long as it takes
          told = e.toString();
          log.warn("cannot lead yet: {}", told);
        }
        pause();
      } catch (RuntimeException e) {
        log.error("cannot lead, which is a bug; ending, so that another leads", e);
        sheep.end();
        return;
      }
    }
  }

  private void begin(View view, Holding lead, Gateway gateway, CopyCheck copies)
      throws IOException {
    int number = registry.beginTerm(follower.incarnation(), () -> leads(lead.key));
    ClusterChanges changes = new ClusterChanges(gateway, new ChangeLog(number));
    changes.replay();
    VdiStore vdis = new VdiStore(gateway, changes, clock, false);
    vdis.load(gateway.list(), inode -> isMended(copies, inode));
    Leftovers leftovers = new Leftovers(lead, vdis.deletions(), replica, peers);
    int shift = view.layout().blockSizeShift();
    LocalObjects objects = new LocalObjects(gateway, vdis, sheep::checkServing, () -> shift);
    synchronized (this) {
      if (isCurrent(lead.key)) {
        term = new Term(lead.key, number, vdis, objects, copies, leftovers);
        notifyAll();
        log.info("leads from epoch {} on", view.number());
      }
    }
    Thread sweeper = new Thread(leftovers::run, "sheep-leftovers");
    sweeper.setDaemon(true);
    sweeper.start();
  }

  /** Puts an inode right that the disk of this node has changed, if others have it right. */
  private static boolean isMended(CopyCheck copies, ObjectId inode) throws SheepException {
    try {
      return copies.checkAgainstOwn(inode).repaired() > 0;
    } catch (SheepException e) {
      if (Verdict.isPassing(e)) {
        throw e;
      }
      log.error("the copies of inode {} cannot be compared", inode, e);
      return false;
    }
  }

  /** Checks everything now and then, until the end of the term. */
  private void scrub(Lead lead, Gateway gateway, CopyCheck copies) {
    Duration interval = sheep.options().scrubInterval();
    if (!interval.isZero()) {
      new Scrubber(new ScrubbedCluster(lead, gateway, replica, peers, copies), interval).run();
    }
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
      sheep.end();
    }
  }

  /** One term, as those see it who work in it. */
  private final class Holding implements Gateway.Serving, Lead {
    private final String key;

    Holding(String key) {
      this.key = key;
    }

    @Override
    public boolean lasts() {
      return isCurrent(key);
    }

    @Override
    public View await(long deadlineNanos) throws SheepException {
      return awaitEpoch(key, deadlineNanos);
    }

    @Override
    public void awaitOther(View failed) throws SheepException {
      awaitOtherThan(failed);
    }

    @Override
    public boolean isCertain(View view) {
      return Leadership.this.isCertain(view);
    }

    @Override
    public void refuse(View.Peer peer) {
      try {
        registry.refuse(peer.member().storeId(), peer.member().incarnation());
      } catch (IOException e) {
        log.warn("{} is still in the epoch", peer, e);
      }
    }
  }

  private synchronized View awaitEpoch(String key, long deadlineNanos) throws SheepException {
    while (!closed) {
      View view = current;
      if (!isCurrent(key)) {
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

  @SuppressWarnings("WaitNotInLoop") // a pause that may be shorter
  private synchronized void pause() {
    try {
      wait(RETRY_PAUSE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
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

  // --- who leads ---

  /** The epoch that is open; null if none is. */
  synchronized @Nullable View view() {
    return current;
  }

  /** The term of this node; null if it has none. */
  synchronized @Nullable Term termOrNull() {
    return term;
  }

  /**
   * The term of this node.
   *
   * @throws SheepException if it has none
   */
  Term term() throws SheepException {
    Term now = termOrNull();
    if (now == null) {
      throw new SheepException(ResultCode.NEW_NODE_VER, "another node leads");
    }
    return now;
  }

  /** Compares the copies of an object, and repairs those that are wrong; at the leader only. */
  public CopyCheck.Finding check(ObjectId oid) throws SheepException {
    return term().copies().check(oid);
  }

  /**
   * Waits until somebody leads.
   *
   * @throws SheepException if nobody does by the time
   */
  public synchronized Leader await(long deadlineNanos) throws SheepException {
    while (!closed) {
      View view = current;
      if (view != null) {
        View.Peer leader = view.leader().orElse(null);
        if (leader != null && !leader.isSelf()) {
          return new Leader(view.number(), leader.node());
        }
        if (leader != null && term != null && isCertain(view)) {
          return new Leader(view.number(), null);
        }
      }
      long left = deadlineNanos - System.nanoTime();
      ResultCode state = sheep.reason();
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
  public boolean isCertain() {
    View view = view();
    return view != null && view.isLeader() && isCertain(view);
  }

  /** The same, in this very epoch. */
  public boolean isCertain(int epoch) {
    View view = view();
    return view != null && view.number() == epoch && isCertain();
  }
}
