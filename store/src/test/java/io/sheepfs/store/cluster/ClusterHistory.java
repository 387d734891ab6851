package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.SimCluster.Machine;
import io.sheepfs.store.sim.Sim;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;

/** One history of a cluster and of clients, and what befalls them. */
final class ClusterHistory {

  private static final Duration LONGEST_FREEZE = Duration.ofMillis(8_200);
  private static final int LONGEST_DELAY_MILLIS = 3_000;

  /** When no cut is left, each request that was sent has arrived within that time. */
  private static final Duration ARRIVAL = Duration.ofMillis(500);

  /** Before it all is looked at: what nodes do by themselves they do each second. */
  private static final Duration LAST_LOOK = Duration.ofSeconds(2);

  private final SimCluster cluster = new SimCluster();
  private final SimWires wires = cluster.wires();
  private final SimEnsemble ensemble = cluster.ensemble();
  private final List<Machine> machines = cluster.machines();
  private final List<SimClient> clients = new ArrayList<>();
  private boolean powerWasLost;
  private boolean isLossOpen;
  private boolean isMended;
  private long heldUpUntil;
  private boolean isOver;
  private int flips;

  ClusterHistory() throws UnknownHostException {}

  /** What of it is the same whenever it is played. */
  @Override
  public String toString() {
    int acknowledged = clients.stream().mapToInt(SimClient::acknowledged).sum();
    return acknowledged + " writes, " + flips + " flips";
  }

  void play() throws UnknownHostException {
    if (Sim.oneIn(3)) {
      Machine unused = cluster.startGateway();
    }
    List<InetSocketAddress> addresses = cluster.addresses();
    for (int i = 0; i < 2; i++) {
      SimClient client = new SimClient(wires, addresses, "c" + i, 10 + Sim.random(25));
      clients.add(client);
      Sim.spawn(new Sim.Host("c" + i), "client", client);
    }
    if (Sim.oneIn(2)) {
      Sim.spawn(new Sim.Host("r"), "reader", new SimReader(wires, addresses, clients));
    }
    int troubles = 1 + Sim.random(5);
    for (int i = 0; i < troubles; i++) {
      Sim.sleep(Duration.ofMillis(Sim.random(Sim.oneIn(3) ? 6_000 : 1_500)));
      switch (Sim.random(4)) {
        case 0 -> clients.get(Sim.random(clients.size())).disturb(() -> trouble(any()));
        case 1 -> wires.ambush(1 + Sim.random(12), (from, to) -> ambush(machine(from, to)));
        case 2 -> cutOffWhoIsAsked(Sim.random(3));
        default -> trouble(any());
      }
    }
    settle();
    check();
    checkGateway();
    flipBits();
    check();
    isOver = true;
  }

  private void check() {
    new SimChecks(machines.stream().map(machine -> machine.store).toList(), clients, cluster.view())
        .check();
  }

  /** One of three copies rots, of an inode and of data: whoever is asked finds it. */
  private void flipBits() {
    List<ObjectId> inodes = new ArrayList<>();
    List<ObjectId> data = new ArrayList<>();
    for (ObjectId oid : machines.get(0).store.disk().content().keySet()) {
      if (machines.stream().allMatch(machine -> machine.bytes(oid) > 0)) {
        (oid.isData() ? data : inodes).add(oid);
      }
    }
    for (List<ObjectId> kind : List.of(inodes, data)) {
      if (!kind.isEmpty()) {
        flipBit(kind.get(Sim.random(kind.size())));
      }
    }
  }

  private void flipBit(ObjectId oid) {
    SimClient admin = new SimClient(wires, cluster.addresses(), "b", 0);
    int before = checked(admin, oid); // what a change has left half done is made good by that
    Sim.trace(before + " copies of " + oid + " were half changed");
    Machine rotten = machines.get(Sim.random(machines.size()));
    Machine later = Sim.oneIn(4) ? machines.get(Sim.random(machines.size())) : null;
    if (later != null) {
      returns(later); // after that, no change of the object is in doubt any more
    }
    byte[] right = Objects.requireNonNull(rotten.store.disk().content().get(oid));
    Damage damage = damage(rotten, oid, right.length);
    if (damage == Damage.ZEROS && Sim.oneIn(2)) {
      allReturn(rotten, oid, right);
    } else if (later != null) {
      // must not take the damaged copy; nor must one that leads now believe its own
      returns(damage == Damage.BIT ? later : leader());
    }
    if (damage != Damage.BIT && !isKnown(oid.vid())) {
      throw new AssertionError("the VDI of " + oid + " is left out");
    }
    int repaired = checked(admin, oid); // none if a first attempt, not answered, has done it
    if (repaired > 1) {
      throw new AssertionError(repaired + " copies of " + oid + " were replaced");
    }
    byte[] now = Objects.requireNonNull(rotten.store.disk().content().get(oid));
    if (!isSame(right, now)) {
      throw new AssertionError(oid + " is not repaired");
    }
    flips++;
  }

  /** What a disk does to an object. */
  private enum Damage {
    BIT,
    /** Of the beginning of an inode. */
    ZEROS,
    /** Of an inode. */
    LOSS
  }

  private Damage damage(Machine rotten, ObjectId oid, int length) {
    boolean isInode = oid.kind() == ObjectId.Kind.INODE;
    if (isInode && Sim.oneIn(8)) {
      rotten.store.disk().lose(oid);
      Sim.trace(oid + " is lost at " + rotten.name);
      return Damage.LOSS;
    }
    if (isInode && Sim.oneIn(4)) {
      int count = Sim.oneIn(2) ? 512 : InodeLayout.HEADER_BYTES;
      rotten.store.disk().zero(oid, count);
      Sim.trace(count + " bytes of " + oid + " are zeros at " + rotten.name);
      return Damage.ZEROS;
    }
    // one byte of an inode decides where all objects of its VDI should be
    int at = isInode && Sim.oneIn(4) ? InodeLayout.COPIES : Sim.random(length);
    rotten.store.disk().flip(oid, at, Sim.random(Byte.SIZE));
    Sim.trace("a bit of byte " + at + " of " + oid + " flips at " + rotten.name);
    return Damage.BIT;
  }

  /**
   * All end and return. Nobody takes the damaged inode; if its node is the only one that is up to
   * date then, nobody has it right for sure, and an administrator puts back what another has.
   */
  private void allReturn(Machine rotten, ObjectId inode, byte[] right) {
    for (Machine machine : machines) {
      if (Sim.oneIn(2)) {
        Sim.sleep(Duration.ofMillis(Sim.random(4_000)));
      }
      machine.kill(false);
    }
    machines.forEach(this::restartLater);
    cluster.await("settled", () -> cluster.isSettled() || cluster.waitsFor(rotten));
    Sim.sleep(LAST_LOOK);
    for (Machine machine : machines) {
      byte[] now = machine.store.disk().content().get(inode);
      if (machine != rotten && (now == null || !isSame(right, now))) {
        throw new AssertionError("the damage of " + inode + " is at " + machine.name + ", too");
      }
    }
    if (!cluster.isSettled()) {
      Sim.trace(inode + " is put back at " + rotten.name);
      rotten.kill(false);
      rotten.store.disk().put(inode, right);
      rotten.start();
    }
    cluster.await("settled after all", cluster::isSettled);
    Sim.sleep(LAST_LOOK);
    cluster.await("settled again", cluster::isSettled);
  }

  private static boolean isSame(byte[] right, byte[] now) {
    return Arrays.equals(SimChecks.withoutZeros(right), SimChecks.withoutZeros(now));
  }

  /** Whether whoever leads knows what became of a VDI. */
  private boolean isKnown(VdiId vid) {
    try {
      return Objects.requireNonNull(leader().sheep()).vdiStore().table().get(vid) != null;
    } catch (SheepException e) {
      throw new AssertionError("nobody leads", e);
    }
  }

  private Machine leader() {
    int port = cluster.view().leader().orElseThrow().node().port();
    return machines.stream()
        .filter(machine -> machine.address.getPort() == port)
        .findFirst()
        .orElseThrow();
  }

  private void returns(Machine machine) {
    machine.kill(false);
    machine.start();
    cluster.await("settled", cluster::isSettled);
    Sim.sleep(LAST_LOOK);
    cluster.await("settled again", cluster::isSettled);
  }

  private int checked(SimClient admin, ObjectId oid) {
    OptionalInt[] found = new OptionalInt[1];
    Sim.spawn(
        new Sim.Host("b"),
        "admin",
        () -> {
          try {
            found[0] = OptionalInt.of(admin.check(oid));
          } catch (SimClient.Refused e) {
            Sim.fail(new AssertionError("no check of " + oid, e));
          }
        });
    cluster.await(oid + " is checked", () -> found[0] != null);
    return found[0].getAsInt();
  }

  /** Nothing is ever put there, and it passes requests on until the end. */
  private void checkGateway() {
    Machine last = cluster.gateway();
    if (last == null) {
      return;
    }
    if (!last.store.disk().content().isEmpty()) {
      throw new AssertionError("the gateway has objects");
    }
    if (!last.isServing()) {
      throw new AssertionError("the gateway does not serve");
    }
  }

  // --- what befalls it ---

  private Machine any() {
    List<Machine> all = cluster.all();
    return all.get(Sim.random(all.size()));
  }

  /** One of two that a request is on its way between; the other one may be a client. */
  private Machine machine(String from, String to) {
    String name = Sim.oneIn(2) ? from : to;
    return cluster.all().stream()
        .filter(each -> each.name.equals(name))
        .findFirst()
        .orElseGet(this::any);
  }

  private Duration ambush(Machine victim) {
    if (!isMended && Sim.oneIn(2)) {
      Duration delay = Duration.ofMillis(1 + Sim.random(LONGEST_DELAY_MILLIS));
      Sim.trace("a request is held up for " + delay);
      heldUpUntil = Math.max(heldUpUntil, Sim.now() + delay.toNanos());
      return delay;
    }
    trouble(victim);
    return Duration.ZERO;
  }

  /** A client's request arrives, and cannot be passed on; after a while it comes, if not before. */
  private void cutOffWhoIsAsked(int requestsBefore) {
    wires.ambush(
        1,
        (from, to) -> {
          boolean isOfClient =
              cluster.all().stream().noneMatch(machine -> machine.name.equals(from));
          if (isMended) {
            return Duration.ZERO;
          }
          if (!isOfClient || requestsBefore > 0) {
            cutOffWhoIsAsked(isOfClient ? requestsBefore - 1 : requestsBefore);
            return Duration.ZERO;
          }
          Duration time = Duration.ofMillis(2_000 + Sim.random(5_000));
          Sim.trace(to + " is cut off from the others for " + time);
          for (Machine other : cluster.all()) {
            wires.cut(to, other.name);
            wires.cut(other.name, to);
            Sim.after(time, () -> wires.mend(to, other.name));
          }
          return Duration.ZERO;
        });
  }

  private void trouble(Machine victim) {
    if (isMended) {
      return; // it comes too late
    }
    if (powerWasLost && !cluster.isSettled()) {
      // the node may be among those that others take for right, if they are lost, too
      isLossOpen = true;
      unflushedIsAtRisk(Replica.MAX_NODES);
    } else {
      powerWasLost = false;
    }
    switch (Sim.random(16)) {
      case 0, 1, 2 -> {
        victim.kill(false);
        restartLater(victim);
      }
      case 3 -> {
        checkRisk();
        victim.kill(true);
        restartLater(victim);
      }
      case 4, 5 -> {
        if (victim.isUp()) {
          int millis = 200 + Sim.random((int) LONGEST_FREEZE.toMillis() - 200);
          victim.freeze(Duration.ofMillis(millis));
        }
      }
      case 6 -> cut(victim.name, SimWires.ENSEMBLE);
      case 7 -> cut(victim.name, any().name);
      case 8 -> {
        for (Machine other : cluster.all()) {
          cut(victim.name, other.name);
        }
        cut(victim.name, SimWires.ENSEMBLE);
      }
      case 9 -> {
        Sim.trace("the cuts end");
        wires.mend();
      }
      case 10 -> {
        Sim.trace("the ensemble stops");
        ensemble.setUp(false);
        Sim.after(Duration.ofMillis(Sim.random(8_000)), () -> ensemble.setUp(true));
      }
      case 11 -> {
        boolean powerCut = Sim.oneIn(2);
        if (powerCut) {
          unflushedIsAtRisk(Replica.MAX_NODES);
        }
        for (Machine machine : machines) {
          machine.kill(powerCut);
          restartLater(machine);
        }
      }
      case 12 -> {
        Sim.trace("the disk of " + victim.name + " is full");
        victim.store.disk().fill(Duration.ofMillis(Sim.random(8_000)));
      }
      case 13 -> {
        Sim.trace("the disk of " + victim.name + " cannot be read");
        victim.store.disk().hide(Duration.ofMillis(Sim.random(3_000)));
      }
      case 14 -> {
        Sim.trace("the disk of " + victim.name + " refuses");
        victim.store.disk().refuse(Duration.ofMillis(Sim.random(3_000)));
      }
      default -> {
        if (victim.stop()) {
          restartLater(victim);
        }
      }
    }
  }

  private void restartLater(Machine machine) {
    Sim.after(Duration.ofMillis(100 + Sim.random(5_000)), machine::start);
  }

  private void cut(String one, String other) {
    boolean there = Sim.random(3) != 0;
    boolean back = Sim.random(3) != 0 || !there;
    if (there) {
      wires.cut(one, other);
    }
    if (back) {
      wires.cut(other, one);
    }
    Sim.trace("cut " + one + (back ? " <" : " ") + (there ? "> " : " ") + other);
  }

  /**
   * Unflushed writes can be lost with a machine, unless others surely have them, and surely go on
   * in the next epoch: a dead node whose session outlives those of the others, since ZooKeeper was
   * away, is the only one that was SYNCED last.
   */
  private void checkRisk() {
    boolean all =
        ensemble.knowsWhoIsThere()
            && cluster.isSettled()
            && !wires.isCut()
            && machines.stream().noneMatch(machine -> machine.isFrozen());
    powerWasLost = true;
    isLossOpen |= !all;
    unflushedIsAtRisk(all ? 1 : Replica.MAX_NODES);
  }

  private void unflushedIsAtRisk(int copies) {
    clients.forEach(client -> client.unflushedIsAtRisk(copies, this::isLossOpen));
  }

  /**
   * Whether it is not settled what is lost: what one machine lost, another may have, answer for a
   * while, and be left out of the next epoch for a cut.
   */
  private boolean isLossOpen() {
    isLossOpen &= !cluster.isSettled();
    return isLossOpen;
  }

  // --- the end ---

  private void settle() {
    Sim.sleep(Duration.ofSeconds(1));
    Sim.trace("all is mended");
    isMended = true;
    cluster.all().forEach(machine -> machine.store.disk().mend());
    wires.mend();
    ensemble.setUp(true);
    if (heldUpUntil > 0) { // it may not even have arrived, for a cut
      heldUpUntil = Math.max(heldUpUntil, Sim.now() + ARRIVAL.toNanos());
    }
    SimClient admin = new SimClient(wires, machines.stream().map(m -> m.address).toList(), "a", 0);
    Sim.spawn(new Sim.Host("a"), "admin", () -> admin.letRecoveryGo(() -> isOver));
    cluster.awaitRunning(
        "clients are done", () -> clients.stream().allMatch(SimClient::isFinished));
    // who was frozen may still carry out what it was asked
    cluster.awaitRunning("all go on", () -> cluster.all().stream().noneMatch(Machine::isFrozen));
    cluster.await(
        "nothing is held up",
        () -> Sim.now() > heldUpUntil && cluster.all().stream().noneMatch(Machine::isHoldingUp));
    cluster.awaitRunning("settled", cluster::isSettled);
    Sim.sleep(LAST_LOOK);
    cluster.awaitRunning("settled again", cluster::isSettled);
    cluster.awaitRunning("nothing of a deleted VDI is left", () -> !isDeletedLeft());
  }

  /** Whether somebody has an object of a VDI whose deletion a client was told of. */
  private boolean isDeletedLeft() {
    Set<VdiId> deleted = new TreeSet<>();
    for (SimClient client : clients) {
      client.disks().stream().filter(disk -> disk.deleted).forEach(disk -> deleted.add(disk.vid));
    }
    return machines.stream()
        .flatMap(machine -> machine.store.disk().content().keySet().stream())
        .anyMatch(oid -> oid.isData() && deleted.contains(oid.vid()));
  }
}
