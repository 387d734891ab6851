package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.store.server.SimServer;
import io.sheepfs.store.sim.Sim;
import io.sheepfs.store.sim.SimStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;

/**
 * One history of a cluster: sheep, clients and an ensemble, and what befalls them. The classes of
 * the sheep are the real ones, from the requests of clients on; the network, the ensemble and the
 * disks are played.
 */
public final class ClusterSim implements LongFunction<String> {

  private static final Duration SESSION = Duration.ofSeconds(3);
  private static final Duration PEER_TIMEOUT = Duration.ofSeconds(15);
  private static final Duration SETTLING = Duration.ofMinutes(10);
  private static final Duration LONGEST_FREEZE = Duration.ofMillis(8_200);
  private static final int LONGEST_DELAY_MILLIS = 3_000;

  /** When no cut is left, each request that was sent has arrived within that time. */
  private static final Duration ARRIVAL = Duration.ofMillis(500);

  /** Before it all is looked at: what nodes do by themselves they do each second. */
  private static final Duration LAST_LOOK = Duration.ofSeconds(2);

  private static final RequestFields SIZE_OF_VDI =
      new RequestFields.Vdi(64 << 20, 0, 2, 0, 0, 0, 0, 0);

  private static final long FORMAT_TIME = 77L << 32;

  private final boolean isLateWrite;
  private SimWires wires = new SimWires();
  private List<Machine> machines = new ArrayList<>();
  private List<SimClient> clients = new ArrayList<>();

  /** In some histories one more, which stores nothing. */
  private @Nullable Machine gateway;

  private @Nullable SimEnsemble ensemble;
  private boolean powerWasLost;
  private boolean isMended;
  private long heldUpUntil;
  private boolean isOver;

  private int flips;

  /** Whatever befalls it. */
  public ClusterSim() {
    this(false);
  }

  /**
   * One history of all, or always the same story.
   *
   * @param isLateWrite whether it is that of a write that comes late
   */
  public ClusterSim(boolean isLateWrite) {
    this.isLateWrite = isLateWrite;
  }

  /** A machine with a sheep. */
  private final class Machine {
    private final String name;
    private final InetSocketAddress address;
    private final SimStore store;
    private @Nullable Running process;

    Machine(int index) throws UnknownHostException {
      this.name = "n" + index;
      this.address =
          new InetSocketAddress(
              InetAddress.getByAddress(new byte[] {10, 0, 0, (byte) (index + 1)}), 7000 + index);
      this.store = new SimStore("store-" + index);
    }

    /** How long an object is here; trailing zeros may be missing. */
    int bytes(ObjectId oid) {
      byte[] content = store.disk().content().get(oid);
      return content == null ? 0 : content.length;
    }

    boolean isUp() {
      Running now = process;
      return now != null && !now.host.isDead();
    }

    /** Whether it holds up a request; a process that stood still does so later than was meant. */
    boolean isHoldingUp() {
      Running now = process;
      SimServer server = now == null || now.host.isDead() ? null : now.server;
      return server != null && server.isHeldUp();
    }

    boolean isFrozen() {
      Running now = process;
      return now != null && now.host.isFrozen();
    }

    void start() {
      if (!isUp()) {
        Running fresh = new Running(this);
        process = fresh;
        Sim.trace(name + " starts");
        Sim.spawn(fresh.host, "boot", fresh::boot);
      }
    }

    /** By force. */
    void kill(boolean powerCut) {
      Running now = process;
      if (now != null && isUp()) {
        Sim.trace(name + (powerCut ? " loses power" : " is killed"));
        Sim.kill(now.host);
        store.ended(powerCut);
        wires.ended(now.host);
      }
    }
  }

  /** A sheep that runs. */
  private final class Running {
    private final Machine machine;
    private final Sim.Host host;
    private @Nullable ClusterSheep sheep;
    private @Nullable SimServer server;
    private boolean ends;

    Running(Machine machine) {
      this.machine = machine;
      this.host = new Sim.Host(machine.name);
    }

    void boot() {
      machine.store.open();
      ClusterOptions options =
          new ClusterOptions(
              "played",
              "sim",
              null,
              machine.address.getAddress(),
              machine.address.getPort(),
              machine.address.getPort(),
              machine.equals(gateway) ? 0 : 16,
              SESSION,
              PEER_TIMEOUT,
              Duration.ZERO,
              null);
      ClusterSheep opened = ClusterSheep.open(machine.store, network(machine.name), options);
      SimServer listening = new SimServer(opened, this::stop);
      server = listening;
      wires.listen(machine.address, machine.name, listening);
      opened.start(listening::disconnectAll, this::stop);
      sheep = opened;
    }

    /** In good order. */
    void stop() {
      if (ends) {
        return;
      }
      ends = true;
      ClusterSheep running = sheep;
      SimServer serving = server;
      Sim.trace(machine.name + " ends");
      Sim.spawn(
          host,
          "end",
          () -> {
            try {
              if (running != null && serving != null) {
                serving.close();
                running.close();
              }
            } catch (IOException e) {
              Sim.fail(e);
            }
            Sim.after(Duration.ZERO, () -> machine.kill(false));
          });
    }
  }

  private Network network(String machine) {
    SimEnsemble there = ensemble;
    if (there == null) {
      throw new IllegalStateException("no ensemble");
    }
    return new Network() {
      @Override
      public PeerLinks links() {
        return wires.links(machine, PEER_TIMEOUT);
      }

      @Override
      public PeerLinks recoveryLinks() {
        return wires.links(machine, PEER_TIMEOUT);
      }

      @Override
      public PeerLinks hearingLinks(Duration patience) {
        return wires.links(machine, patience);
      }

      @Override
      public Agreement agreement(Runnable changed) {
        return there.open(machine, changed);
      }
    };
  }

  /** Plays the history of a seed; what it returns is the same each time. */
  @Override
  public String apply(long seed) {
    wires = new SimWires();
    machines = new ArrayList<>();
    clients = new ArrayList<>();
    gateway = null;
    powerWasLost = false;
    isMended = false;
    heldUpUntil = 0;
    isOver = false;
    flips = 0;
    long digest =
        Sim.run(
            seed,
            () -> {
              try {
                if (isLateWrite) {
                  playLateWrite();
                } else {
                  play();
                }
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    int acknowledged = clients.stream().mapToInt(SimClient::acknowledged).sum();
    return Long.toHexString(digest) + " " + acknowledged + " writes, " + flips + " flips";
  }

  private SimEnsemble formatted() throws IOException {
    SimEnsemble there = new SimEnsemble(wires, SESSION);
    ensemble = there;
    for (int i = 0; i < 3; i++) {
      machines.add(new Machine(i));
    }
    machines.forEach(Machine::start);
    format();
    return there;
  }

  private Machine startGateway() throws IOException {
    Machine fresh = new Machine(machines.size());
    gateway = fresh;
    fresh.start();
    return fresh;
  }

  private void play() throws IOException {
    SimEnsemble there = formatted();
    if (Sim.oneIn(3)) {
      Machine unused = startGateway();
    }
    List<InetSocketAddress> addresses = all().stream().map(machine -> machine.address).toList();
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
        case 0 -> clients.get(Sim.random(clients.size())).disturb(() -> trouble(there, any()));
        case 1 -> wires.ambush(1 + Sim.random(12), (from, to) -> ambush(there, machine(from, to)));
        case 2 -> cutOffWhoIsAsked(Sim.random(3));
        default -> trouble(there, any());
      }
    }
    settle(there);
    check();
    checkGateway();
    flipBits();
    check();
    isOver = true;
  }

  /**
   * A gateway that is cut off has passed a write on; the client does it again over another sheep,
   * under another lease, and once more with something newer. Then the first one arrives.
   */
  private void playLateWrite() throws IOException {
    SimEnsemble unused = formatted();
    Machine cutOff = startGateway();
    await("settled", () -> isSettled() && isOpen(cutOff));
    SimWires.Pipe before = wires.connect("c", cutOff.address);
    SimWires.Pipe after = wires.connect("c", machines.get(1).address);
    ByteBuffer name = VdiNameRecord.of(new VdiName("late")).encode();
    VdiId vid = new VdiId(ask(after, Opcode.NEW_VDI, 0, SIZE_OF_VDI, name).vdi().vdiId());
    int first = lease(before, name);
    assertSuccess(ask(before, Opcode.CREATE_AND_WRITE_OBJ, vid, first, 1));
    for (Machine other : machines) {
      wires.cut(cutOff.name, other.name);
      wires.cut(other.name, cutOff.name);
    }
    ResultCode[] late = new ResultCode[1];
    Sim.spawn(
        new Sim.Host("late"),
        "writer",
        () -> {
          try {
            late[0] = ask(before, Opcode.WRITE_OBJ, vid, first, 2).result();
          } catch (IOException e) {
            late[0] = ResultCode.NETWORK_ERROR;
          }
        });
    Sim.sleep(Duration.ofMillis(100));
    int second = lease(after, name);
    assertSuccess(ask(after, Opcode.WRITE_OBJ, vid, second, 2));
    assertSuccess(ask(after, Opcode.WRITE_OBJ, vid, second, 3));
    wires.mend();
    await("the late write is answered", () -> late[0] != null);
    ByteBuffer found = ByteBuffer.allocate(Long.BYTES);
    RequestFields at = RequestFields.Obj.of(ObjectId.data(vid, 0), 0);
    RequestHeader read = RequestHeader.of(Opcode.READ_OBJ, 0, found.remaining(), at);
    assertSuccess(after.exchange(read, null, found, SETTLING));
    if (found.getLong(0) != 3 || late[0] != ResultCode.VDI_NOT_LOCKED) {
      throw new AssertionError(found.getLong(0) + " is there; the late write: " + late[0]);
    }
  }

  private static boolean isOpen(Machine machine) {
    Running process = machine.process;
    ClusterSheep sheep = process == null ? null : process.sheep;
    return sheep != null && sheep.state() == ResultCode.SUCCESS;
  }

  private static ResponseHeader ask(
      SimWires.Pipe over, Opcode opcode, int flags, RequestFields fields, ByteBuffer body)
      throws IOException {
    int all = flags | RequestFlags.WRITE;
    RequestHeader header = RequestHeader.of(opcode, all, body.remaining(), fields);
    return over.exchange(header, body.duplicate(), null, SETTLING);
  }

  private static int lease(SimWires.Pipe over, ByteBuffer name) throws IOException {
    RequestFields holder = new RequestFields.Vdi(0, 7, 0, 0, 0, 0, 0, 0);
    ResponseHeader answer = ask(over, Opcode.LOCK_VDI, RequestFlags.LEASE, holder, name);
    assertSuccess(answer);
    return answer.vdi().attributeId();
  }

  private static ResponseHeader ask(
      SimWires.Pipe over, Opcode opcode, VdiId vid, int generation, long value) throws IOException {
    RequestFields at =
        new RequestFields.Obj(ObjectId.data(vid, 0).value(), 0, 0, 0, 0, generation, 0);
    return ask(over, opcode, RequestFlags.LEASE, at, ByteBuffer.allocate(8).putLong(0, value));
  }

  private static void assertSuccess(ResponseHeader answer) {
    if (answer.result() != ResultCode.SUCCESS) {
      throw new AssertionError(answer);
    }
  }

  private void check() {
    new SimChecks(machines.stream().map(machine -> machine.store).toList(), clients, view())
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
    SimClient admin = new SimClient(wires, all().stream().map(m -> m.address).toList(), "b", 0);
    int before = checked(admin, oid); // what a change has left half done is made good by that
    Sim.trace(before + " copies of " + oid + " were half changed");
    Machine rotten = machines.get(Sim.random(machines.size()));
    Machine later = Sim.oneIn(4) ? machines.get(Sim.random(machines.size())) : null;
    if (later != null) {
      returns(later); // after that, no change of the object is in doubt any more
    }
    byte[] right = Objects.requireNonNull(rotten.store.disk().content().get(oid));
    int at = Sim.random(right.length);
    rotten.store.disk().flip(oid, at, Sim.random(Byte.SIZE));
    Sim.trace("a bit of byte " + at + " of " + oid + " flips at " + rotten.name);
    if (later != null) {
      returns(later); // and must not take the damaged copy
    }
    int repaired = checked(admin, oid); // none if a first attempt, not answered, has done it
    if (repaired > 1) {
      throw new AssertionError(repaired + " copies of " + oid + " were replaced");
    }
    byte[] now = Objects.requireNonNull(rotten.store.disk().content().get(oid));
    if (!Arrays.equals(SimChecks.withoutZeros(right), SimChecks.withoutZeros(now))) {
      throw new AssertionError(oid + " is not repaired");
    }
    flips++;
  }

  private void returns(Machine machine) {
    machine.kill(false);
    machine.start();
    await("settled", this::isSettled);
    Sim.sleep(LAST_LOOK);
    await("settled again", this::isSettled);
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
    await(oid + " is checked", () -> found[0] != null);
    return found[0].getAsInt();
  }

  private List<Machine> all() {
    List<Machine> all = new ArrayList<>(machines);
    Machine more = gateway;
    if (more != null) {
      all.add(more);
    }
    return all;
  }

  /** Nothing is ever put there, and it passes requests on until the end. */
  private void checkGateway() {
    Machine last = gateway;
    Running process = last == null ? null : last.process;
    ClusterSheep sheep = process == null ? null : process.sheep;
    if (last == null) {
      return;
    }
    if (!last.store.disk().content().isEmpty()) {
      throw new AssertionError("the gateway has objects");
    }
    if (sheep == null || sheep.state() != ResultCode.SUCCESS) {
      throw new AssertionError("the gateway does not serve");
    }
  }

  private void format() {
    await("all are there", () -> machines.stream().allMatch(this::seesAll));
    boolean[] done = new boolean[1];
    Running first = machines.get(0).process;
    ClusterSheep sheep = first == null ? null : first.sheep;
    if (first == null || sheep == null) {
      throw new IllegalStateException("not there");
    }
    Sim.spawn(
        first.host,
        "format",
        () -> {
          while (sheep.createTime() == 0) {
            try {
              sheep.format(FORMAT_TIME, SimClient.MOST_COPIES, 22, 0, "plain");
            } catch (SheepException e) {
              Sim.trace("not formatted yet: " + e);
              Sim.sleep(Duration.ofMillis(500));
            }
          }
          done[0] = true;
        });
    await("formatted", () -> done[0]);
  }

  private boolean seesAll(Machine machine) {
    try {
      Running process = machine.process;
      ClusterSheep sheep = process == null ? null : process.sheep;
      return sheep != null && sheep.nodes().size() == machines.size();
    } catch (SheepException e) {
      return false;
    }
  }

  private void await(String what, BooleanSupplier condition) {
    long until = Sim.now() + SETTLING.toNanos();
    while (!condition.getAsBoolean()) {
      if (Sim.failure() != null) {
        throw new AssertionError("failed before: " + what);
      }
      if (Sim.now() > until) {
        throw new AssertionError("not within " + SETTLING + ": " + what);
      }
      Sim.sleep(Duration.ofMillis(100));
    }
  }

  // --- what befalls it ---

  private Machine any() {
    List<Machine> all = all();
    return all.get(Sim.random(all.size()));
  }

  /** One of two that a request is on its way between; the other one may be a client. */
  private Machine machine(String from, String to) {
    String name = Sim.oneIn(2) ? from : to;
    return all().stream().filter(each -> each.name.equals(name)).findFirst().orElseGet(this::any);
  }

  private Duration ambush(SimEnsemble there, Machine victim) {
    if (!isMended && Sim.oneIn(2)) {
      Duration delay = Duration.ofMillis(1 + Sim.random(LONGEST_DELAY_MILLIS));
      Sim.trace("a request is held up for " + delay);
      heldUpUntil = Math.max(heldUpUntil, Sim.now() + delay.toNanos());
      return delay;
    }
    trouble(there, victim);
    return Duration.ZERO;
  }

  /** A client's request arrives, and cannot be passed on; after a while it comes, if not before. */
  private void cutOffWhoIsAsked(int requestsBefore) {
    wires.ambush(
        1,
        (from, to) -> {
          boolean isOfClient = all().stream().noneMatch(machine -> machine.name.equals(from));
          if (isMended) {
            return Duration.ZERO;
          }
          if (!isOfClient || requestsBefore > 0) {
            cutOffWhoIsAsked(isOfClient ? requestsBefore - 1 : requestsBefore);
            return Duration.ZERO;
          }
          Duration time = Duration.ofMillis(2_000 + Sim.random(5_000));
          Sim.trace(to + " is cut off from the others for " + time);
          for (Machine other : all()) {
            wires.cut(to, other.name);
            wires.cut(other.name, to);
            Sim.after(time, () -> wires.mend(to, other.name));
          }
          return Duration.ZERO;
        });
  }

  private void trouble(SimEnsemble there, Machine victim) {
    if (isMended) {
      return; // it comes too late
    }
    if (powerWasLost && !isSettled()) {
      // the node may be among those that others take for right, if they are lost, too
      clients.forEach(client -> client.unflushedIsAtRisk(Replica.MAX_NODES));
    } else {
      powerWasLost = false;
    }
    switch (Sim.random(15)) {
      case 0, 1, 2 -> {
        victim.kill(false);
        restartLater(victim);
      }
      case 3 -> {
        checkRisk(there);
        victim.kill(true);
        restartLater(victim);
      }
      case 4, 5 -> {
        Running process = victim.process;
        if (process != null && victim.isUp()) {
          Duration time =
              Duration.ofMillis(200 + Sim.random((int) LONGEST_FREEZE.toMillis() - 200));
          Sim.trace(victim.name + " stands still for " + time);
          Sim.freeze(process.host, time);
        }
      }
      case 6 -> cut(victim.name, SimWires.ENSEMBLE);
      case 7 -> cut(victim.name, any().name);
      case 8 -> {
        for (Machine other : all()) {
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
        there.setUp(false);
        Sim.after(Duration.ofMillis(Sim.random(8_000)), () -> there.setUp(true));
      }
      case 11 -> {
        boolean powerCut = Sim.oneIn(2);
        if (powerCut) {
          clients.forEach(client -> client.unflushedIsAtRisk(Replica.MAX_NODES));
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
      default -> {
        Running process = victim.process;
        if (process != null && victim.isUp()) {
          process.stop();
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
  private void checkRisk(SimEnsemble there) {
    boolean all =
        there.knowsWhoIsThere()
            && isSettled()
            && !wires.isCut()
            && machines.stream().noneMatch(machine -> machine.isFrozen());
    powerWasLost = true;
    clients.forEach(client -> client.unflushedIsAtRisk(all ? 1 : Replica.MAX_NODES));
  }

  // --- the end ---

  private void settle(SimEnsemble there) {
    Sim.sleep(Duration.ofSeconds(1));
    Sim.trace("all is mended");
    isMended = true;
    all().forEach(machine -> machine.store.disk().mend());
    wires.mend();
    there.setUp(true);
    if (heldUpUntil > 0) { // it may not even have arrived, for a cut
      heldUpUntil = Math.max(heldUpUntil, Sim.now() + ARRIVAL.toNanos());
    }
    SimClient admin = new SimClient(wires, machines.stream().map(m -> m.address).toList(), "a", 0);
    Sim.spawn(new Sim.Host("a"), "admin", () -> admin.letRecoveryGo(() -> isOver));
    await("clients are done", () -> isUp() && clients.stream().allMatch(SimClient::isFinished));
    // who was frozen may still carry out what it was asked
    await("all go on", () -> isUp() && all().stream().noneMatch(Machine::isFrozen));
    await(
        "nothing is held up",
        () -> Sim.now() > heldUpUntil && all().stream().noneMatch(Machine::isHoldingUp));
    await("settled", () -> isUp() && isSettled());
    Sim.sleep(LAST_LOOK);
    await("settled again", () -> isUp() && isSettled());
    await("nothing of a deleted VDI is left", () -> isUp() && !isDeletedLeft());
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

  /** Starts who is not. */
  private boolean isUp() {
    all().forEach(Machine::start);
    return true;
  }

  private boolean isSettled() {
    SimEnsemble there = ensemble;
    if (there != null && there.knowsOfSilence()) {
      return false; // another epoch may follow
    }
    int epoch = gatewayEpoch();
    if (epoch == 0) {
      return false;
    }
    for (Machine machine : machines) {
      Running process = machine.process;
      ClusterSheep sheep = process == null || !machine.isUp() ? null : process.sheep;
      View view = sheep == null ? null : sheep.leadership().view();
      if (view == null || (epoch >= 0 && view.number() != epoch) || view.isMoving()) {
        return false;
      }
      epoch = view.number();
      if (view.all().size() != machines.size()
          || !view.all().stream().allMatch(View.Peer::isSynced)) {
        return false;
      }
    }
    return true;
  }

  /** The epoch in which the gateway passes requests on; 0 if in none, -1 if there is no gateway. */
  private int gatewayEpoch() {
    Machine last = gateway;
    Running process = last == null ? null : last.process;
    ClusterSheep sheep = process == null ? null : process.sheep;
    View view = sheep == null ? null : sheep.leadership().view();
    if (last == null) {
      return -1;
    }
    return view == null || !last.isUp() ? 0 : view.number();
  }

  private View view() {
    Running process = machines.get(0).process;
    ClusterSheep sheep = process == null ? null : process.sheep;
    View view = sheep == null ? null : sheep.leadership().view();
    if (view == null) {
      throw new AssertionError("no epoch is open");
    }
    return view;
  }
}
