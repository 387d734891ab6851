package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.store.server.SimServer;
import io.sheepfs.store.sim.Sim;
import io.sheepfs.store.sim.SimStore;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A formatted cluster of three machines, in a simulation. The classes of the sheep are the real
 * ones, from the requests of clients on; the network, the ensemble and the disks are played.
 */
final class SimCluster {

  static final Duration SETTLING = Duration.ofMinutes(10);

  /** After which a service manager starts what has ended. */
  private static final Duration RESTART = Duration.ofSeconds(3);

  private static final Duration SESSION = Duration.ofSeconds(3);
  private static final Duration PEER_TIMEOUT = Duration.ofSeconds(15);
  private static final long FORMAT_TIME = 77L << 32;

  private final SimWires wires = new SimWires();
  private final SimEnsemble ensemble = new SimEnsemble(wires, SESSION);
  private final List<Machine> machines = new ArrayList<>();

  /** In some histories one more, which stores nothing. */
  private @Nullable Machine gateway;

  SimCluster() throws UnknownHostException {
    for (int i = 0; i < 3; i++) {
      machines.add(new Machine(i));
    }
    machines.forEach(Machine::start);
    format();
  }

  /** Adds a machine that stores nothing, and starts it. */
  Machine startGateway() throws UnknownHostException {
    Machine fresh = new Machine(machines.size());
    gateway = fresh;
    fresh.start();
    return fresh;
  }

  SimWires wires() {
    return wires;
  }

  SimEnsemble ensemble() {
    return ensemble;
  }

  /** Those that store objects. */
  List<Machine> machines() {
    return machines;
  }

  @Nullable Machine gateway() {
    return gateway;
  }

  /** Those that store objects, and the gateway. */
  List<Machine> all() {
    List<Machine> all = new ArrayList<>(machines);
    Machine more = gateway;
    if (more != null) {
      all.add(more);
    }
    return all;
  }

  List<InetSocketAddress> addresses() {
    return all().stream().map(machine -> machine.address).toList();
  }

  /** Waits until something is so; starts who ends meanwhile. */
  void awaitRunning(String what, BooleanSupplier condition) {
    await(
        what,
        () -> {
          all().forEach(Machine::start);
          return condition.getAsBoolean();
        });
  }

  /**
   * Whether all take part in the same epoch, have all that they should, and no other will follow.
   */
  boolean isSettled() {
    int epoch = gatewayEpoch();
    if (ensemble.knowsOfSilence() || epoch == 0) {
      return false;
    }
    for (Machine machine : machines) {
      View view = machine.view();
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

  /** Whether an epoch is open in which only one is up to date. */
  boolean waitsFor(Machine machine) {
    View view = machine.view();
    return view != null
        && view.present().size() == machines.size()
        && view.all().stream().allMatch(peer -> peer.isSynced() == peer.isSelf());
  }

  /** The epoch in which the gateway passes requests on; 0 if in none, -1 if there is no gateway. */
  private int gatewayEpoch() {
    Machine last = gateway;
    if (last == null) {
      return -1;
    }
    View view = last.view();
    return view == null ? 0 : view.number();
  }

  /** The epoch that is open. */
  View view() {
    View view = machines.get(0).view();
    if (view == null) {
      throw new AssertionError("no epoch is open");
    }
    return view;
  }

  private void format() {
    await("all are there", () -> machines.stream().allMatch(this::seesAll));
    boolean[] done = new boolean[1];
    Running first = machines.get(0).process;
    ClusterSheep sheep = machines.get(0).sheep();
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
      ClusterSheep sheep = machine.sheep();
      return sheep != null && sheep.nodes().size() == machines.size();
    } catch (SheepException e) {
      return false;
    }
  }

  /** Waits until something is so; for ten minutes at most. */
  void await(String what, BooleanSupplier condition) {
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

  private Network network(String machine) {
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
        return ensemble.open(machine, changed);
      }
    };
  }

  /** A machine with a sheep. */
  final class Machine {
    final String name;
    final InetSocketAddress address;
    final SimStore store;
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

    /** Null while it does not run. */
    @Nullable ClusterSheep sheep() {
      Running now = process;
      return now == null || now.host.isDead() ? null : now.sheep;
    }

    /** Whether it serves clients. */
    boolean isServing() {
      ClusterSheep now = sheep();
      return now != null && now.state() == ResultCode.SUCCESS;
    }

    /** What it takes part in; null if in nothing. */
    private @Nullable View view() {
      ClusterSheep now = sheep();
      return now == null ? null : now.leadership().view();
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

    /** Stands still for a while. */
    void freeze(Duration time) {
      Running now = process;
      if (now != null) {
        Sim.trace(name + " stands still for " + time);
        Sim.freeze(now.host, time);
      }
    }

    /** Ends in good order; false if it does not run. */
    boolean stop() {
      Running now = process;
      if (now == null || !isUp()) {
        return false;
      }
      now.stop();
      return true;
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
              Sim.trace("does not end well: " + e);
            }
            Sim.after(
                Duration.ZERO,
                () -> {
                  machine.kill(false);
                  Sim.after(RESTART, machine::start);
                });
          });
    }
  }
}
