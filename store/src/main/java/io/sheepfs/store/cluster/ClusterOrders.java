package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.Ring;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.vdi.Vdi;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What administrators order of a whole cluster: of the leader, or of any node where it says so.
 * Each can be ordered again, with nothing more coming of it, after a failure that says nothing of
 * what was done.
 *
 * <p>Safe for any number of threads.
 */
public final class ClusterOrders {

  private static final Logger log = LoggerFactory.getLogger(ClusterOrders.class);

  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final Duration MOMENT = Duration.ofSeconds(5);

  /** Of those whose number of copies was ever changed: each is in each epoch from then on. */
  private static final int MOST_ALTERED = 1000;

  private final Leadership leadership;
  private final Registry registry;
  private final Follower follower;

  /** One order after the other: each adds to what there is. */
  private final ReentrantLock turn = new ReentrantLock();

  ClusterOrders(Leadership leadership, Registry registry, Follower follower) {
    this.leadership = leadership;
    this.registry = registry;
    this.follower = follower;
  }

  /** Something that needs ZooKeeper. */
  private interface Order {
    void run() throws IOException;
  }

  private void carryOut(String what, Order order) throws SheepException {
    turn.lock();
    try {
      order.run();
    } catch (SheepException e) {
      throw e;
    } catch (IOException e) {
      throw new SheepException(ResultCode.CLUSTER_ERROR, what, e);
    } finally {
      turn.unlock();
    }
  }

  private View leading() throws SheepException {
    View view = leadership.view();
    if (view == null || !view.isLeader()) {
      throw new SheepException(ResultCode.NEW_NODE_VER, "another node leads");
    }
    return view;
  }

  /** Waits for what follows from an order; {@code term} is the one in which it was given. */
  private void await(String what, Leadership.Term term, BooleanSupplier done)
      throws SheepException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!done.getAsBoolean()) {
      if (!leadership.term().equals(term)) {
        throw new SheepException(ResultCode.NEW_NODE_VER, what);
      }
      if (System.nanoTime() > deadline) {
        throw new SheepException(ResultCode.HALT, what + " is not done yet");
      }
      leadership.awaitChange();
    }
  }

  /**
   * Formats the cluster: all nodes that are there, but gateways, are on its ring. On any node;
   * returns before an epoch is open.
   *
   * @throws SheepException {@link ResultCode#INVALID_CTIME} if it was formatted at that time
   */
  void format(Layout wanted, Instant now) throws IOException {
    Map<String, Registry.Found> members = registry.members();
    members.values().removeIf(found -> found.info().virtualNodes() == 0);
    checkNodes(members.size());
    if (wanted.blockSizeShift() > Layout.MAX_BLOCK_SIZE_SHIFT
        || wanted.copies() > Replica.MAX_NODES) {
      throw new SheepException(ResultCode.NO_SUPPORT, "objects larger than 8 MiB");
    }
    Layout known = registry.layout();
    if (known != null && known.createTime() == wanted.createTime()) {
      throw new SheepException(ResultCode.INVALID_CTIME, "formatted at that time already");
    }
    Map<String, NodeInfo> weighted = Weights.of(members, null, wanted.goesByDisks());
    List<Member> first = new ArrayList<>();
    for (NodeInfo node : NodeLists.found(members)) {
      members.forEach(
          (id, member) -> {
            NodeInfo placed = weighted.get(id);
            if (placed != null && member.info().equals(node)) {
              first.add(new Member(id, State.SYNCED, 1, member.incarnation(), Seat.of(placed)));
            }
          });
    }
    registry.format(wanted, new Epoch(1, now, first));
  }

  private static void checkNodes(int count) throws SheepException {
    if (count < 1 || count > Replica.MAX_NODES) {
      throw new SheepException(ResultCode.NO_SUPPORT, count + " nodes; 1 to 8 are supported");
    }
  }

  /**
   * Wishes for a ring of all nodes that are there but gateways, by their weights; returns before
   * objects move.
   *
   * @throws SheepException also if this node does not lead
   */
  public void reweight() throws SheepException {
    View view = leading();
    carryOut("reweight", () -> reweight(view.epoch()));
  }

  private void reweight(Epoch epoch) throws IOException {
    Layout agreed = follower.layout();
    if (agreed == null) {
      throw new SheepException(ResultCode.WAIT_FOR_FORMAT, "reweight");
    }
    Map<String, Registry.Found> fit = new HashMap<>();
    for (Map.Entry<String, Registry.Found> there : registry.members().entrySet()) {
      boolean isFit = !there.getValue().incarnation().equals(registry.refused(there.getKey()));
      if (isFit && there.getValue().info().virtualNodes() > 0) {
        fit.put(there.getKey(), there.getValue());
      }
    }
    Map<String, NodeInfo> wish = Weights.of(fit, epoch, agreed.goesByDisks());
    List<NodeRecord> records = wish.values().stream().map(NodeRecord::of).toList();
    checkNodes(wish.size());
    log.info(
        "epoch {} is to get the ring {}",
        epoch.number(),
        new Ring(records).zones() + " zones, " + records);
    registry.wishes().setRing(agreed.createTime(), wish);
    follower.look();
  }

  /**
   * Sets how many copies the VDIs get that are made from now on without saying it.
   *
   * @throws SheepException also if this node does not lead
   */
  public void setDefaultCopies(int copies) throws SheepException {
    checkCopies(copies);
    long createTime = leading().layout().createTime();
    set(
        "change of the default copies",
        () -> registry.wishes().setDefaultCopies(createTime, copies),
        () -> follower.settings().copies() == copies);
  }

  /**
   * Lets nodes fetch by themselves what they miss, or holds that back. Held back, a node takes all
   * changes, and what it needs for them, and stays what it is.
   *
   * <p>On any node, and while nobody leads: who is to lead may need what is held back.
   */
  public void setRecoveryHeld(boolean held) throws SheepException {
    Layout layout = follower.layout();
    if (layout == null) {
      throw new SheepException(ResultCode.WAIT_FOR_FORMAT, "switching recovery");
    }
    set(
        "switching recovery",
        () -> registry.wishes().setRecoveryHeld(layout.createTime(), held),
        () -> follower.settings().holdsRecovery() == held);
    log.info("recovery is {}", held ? "held back" : "let go");
  }

  /** Does it, and waits a moment until this node knows; others learn of it by themselves. */
  private void set(String what, Order order, BooleanSupplier isKnown) throws SheepException {
    carryOut(what, order);
    long deadline = System.nanoTime() + MOMENT.toNanos();
    while (!isKnown.getAsBoolean() && System.nanoTime() < deadline) {
      leadership.awaitChange();
    }
  }

  private static void checkCopies(int copies) throws SheepException {
    if (copies < 1 || copies > Replica.MAX_NODES) {
      throw new SheepException(ResultCode.INVALID_PARMS, copies + " copies");
    }
  }

  /**
   * Changes how many copies the objects of a VDI have; returns before objects move.
   *
   * <p>The nodes agree on it by an epoch, in which each change of an object goes to its old and to
   * its new places; another epoch follows when all nodes have what they should. The inode says the
   * new number as soon as the first of these epochs is open, for people: no node goes by it.
   *
   * @throws SheepException also if this node does not lead
   */
  public void setCopies(VdiId vid, int copies) throws SheepException {
    checkCopies(copies);
    Leadership.Term term = leadership.term();
    View view = leading();
    Vdi vdi = term.vdis().table().get(vid);
    if (vdi == null || vdi.isDeleted()) {
      throw new SheepException(ResultCode.NO_VDI, "VDI " + vid);
    }
    int old = vdi.header().copies() == 0 ? view.layout().copies() : vdi.header().copies();
    long createTime = view.layout().createTime();
    carryOut(
        "change of the copies of VDI " + vid,
        () -> {
          Wishes wishes = registry.wishes();
          Map<VdiId, CopyNumber> wanted = new TreeMap<>(wishes.read(createTime).copies());
          wanted.merge(
              vid,
              new CopyNumber(old, copies),
              (known, later) -> new CopyNumber(known.now(), later.next()));
          if (wanted.size() > MOST_ALTERED) {
            throw new SheepException(
                ResultCode.NO_SUPPORT, "the copies of more than " + MOST_ALTERED + " VDIs");
          }
          wishes.setCopies(createTime, term.number(), wanted);
          log.info("VDI {} is to get {} copies", vid, copies);
          follower.look();
          await("change of the copies of VDI " + vid, term, () -> isBegun(vid, copies));
          term.vdis().setCopies(vid, copies);
        });
  }

  private boolean isBegun(VdiId vid, int copies) {
    View now = leadership.view();
    CopyNumber number = now == null ? null : now.epoch().copies().get(vid);
    return number != null && number.next() == copies;
  }

  /**
   * Has a cluster go on that waits for nodes, without those that are not there. What they alone
   * have is lost. On any node: nobody leads.
   *
   * @throws SheepException {@link ResultCode#FORCE_RECOVER} if it does not wait for nodes
   */
  public void forceRecovery() throws SheepException {
    Layout layout = follower.layout();
    Epoch epoch = follower.lastSeen();
    if (layout == null || epoch == null) {
      throw new SheepException(ResultCode.WAIT_FOR_FORMAT, "recover force");
    }
    carryOut(
        "recover force",
        () -> {
          if (!LastResort.isDue(epoch, Succession.fit(registry, epoch, registry.members()))) {
            throw new SheepException(ResultCode.FORCE_RECOVER, "nothing is waited for");
          }
          log.warn("epoch {} is to be followed without those who are not there", epoch.number());
          registry.wishes().force(layout.createTime(), epoch.number());
          follower.look();
        });
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (follower.lastEpoch() <= epoch.number()) {
      if (System.nanoTime() > deadline) {
        throw new SheepException(ResultCode.HALT, "recover force is not done yet");
      }
      leadership.awaitChange();
    }
  }
}
