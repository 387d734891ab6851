package io.sheepfs.store.cluster;

import io.sheepfs.store.sim.Sim;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * ZooKeeper as it is seen through Curator: three servers, of which two may be behind. Changes are
 * made one after the other by the first. A session reads from one server, and never goes back in
 * time; a new one may be behind what an earlier session of the same node has seen. A request or its
 * answer can be lost, and then it is sent once more.
 */
final class SimEnsemble {

  private static final Duration TICK = Duration.ofMillis(250);
  private static final int SERVERS = 3;

  private final SimWires wires;
  private final Duration timeout;
  private final List<Server> servers = new ArrayList<>();
  private final List<Change> log = new ArrayList<>();
  private final Map<Long, Lease> sessions = new LinkedHashMap<>();
  private final List<Session> clients = new ArrayList<>();
  private long lastSession;
  private boolean up = true;
  private long upSince = Sim.now();

  /** A session, as the servers know it. */
  private static final class Lease {
    private final Session client;
    private long heard = Sim.now();

    Lease(Session client) {
      this.client = client;
    }
  }

  /** A value. */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Value(byte[] bytes, int version, long owner) {}

  /** A value that was set, or removed if it is null. */
  private record Change(String path, @Nullable Value value) {}

  /** One server. */
  private final class Server {
    private final TreeMap<String, Value> tree = new TreeMap<>();
    private final Map<String, TreeSet<String>> names = new HashMap<>();
    private final Map<String, List<Session>> valueWatches = new HashMap<>();
    private final Map<String, List<Session>> listWatches = new HashMap<>();
    private int applied;

    Server() {
      tree.put("/", new Value(new byte[0], 0, 0));
    }

    void applyUntil(int count) {
      while (applied < count) {
        Change change = log.get(applied++);
        Value before = tree.get(change.path());
        Value after = change.value();
        if (after == null) {
          tree.remove(change.path());
        } else {
          tree.put(change.path(), after);
        }
        fire(valueWatches, change.path());
        if (before == null || after == null) {
          list(change.path(), after != null);
          fire(listWatches, parent(change.path()));
        }
      }
    }

    private void fire(Map<String, List<Session>> watches, String path) {
      List<Session> told = watches.remove(path);
      if (told != null) {
        told.forEach(Session::tell);
      }
    }

    void watch(Map<String, List<Session>> watches, String path, Session session) {
      List<Session> told = watches.computeIfAbsent(path, any -> new ArrayList<>());
      if (!told.contains(session)) {
        told.add(session);
      }
    }

    private void list(String path, boolean isThere) {
      String name = path.substring(path.lastIndexOf('/') + 1);
      Set<String> beside = names.computeIfAbsent(parent(path), any -> new TreeSet<>());
      boolean unused = isThere ? beside.add(name) : beside.remove(name);
    }

    List<String> children(String path) {
      return new ArrayList<>(names.getOrDefault(path, new TreeSet<>()));
    }
  }

  SimEnsemble(SimWires wires, Duration timeout) {
    this.wires = wires;
    this.timeout = timeout;
    for (int i = 0; i < SERVERS; i++) {
      servers.add(new Server());
    }
    Sim.after(TICK, this::tick);
  }

  private static String parent(String path) {
    int slash = path.lastIndexOf('/');
    return slash == 0 ? "/" : path.substring(0, slash);
  }

  private Server leader() {
    return servers.get(0);
  }

  /** All servers stop or start. */
  void setUp(boolean isUp) {
    if (isUp && !up) {
      sessions.values().forEach(lease -> lease.heard = Sim.now());
      upSince = Sim.now();
    }
    up = isUp;
  }

  /**
   * Whether each session that there is has been heard of lately: none is left of a time when nobody
   * could say that its node is gone.
   */
  boolean knowsWhoIsThere() {
    return up && Sim.now() - upSince > timeout.multipliedBy(2).toNanos();
  }

  /** Whether a node says that another one does not answer it. */
  boolean knowsOfSilence() {
    return leader().tree.tailMap("/silent/").entrySet().stream()
        .takeWhile(entry -> entry.getKey().startsWith("/silent/"))
        .anyMatch(entry -> entry.getValue().bytes().length > 0);
  }

  private void commit(Change change) {
    if (Sim.isVerbose()) {
      Sim.trace(
          "agreed: "
              + change.path()
              + (change.value() == null ? " removed" : " owner " + change.value().owner()));
    }
    log.add(change);
    int count = log.size();
    leader().applyUntil(count);
    for (Server server : servers) {
      int millis = Sim.oneIn(20) ? Sim.random(400) : Sim.random(10);
      Sim.after(Duration.ofMillis(millis), () -> server.applyUntil(count));
    }
  }

  private void tick() {
    Sim.after(TICK, this::tick);
    for (Map.Entry<Long, Lease> entry : List.copyOf(sessions.entrySet())) {
      Lease lease = entry.getValue();
      if (lease.client.isReachable() && lease.client.id == entry.getKey()) {
        lease.heard = Sim.now();
      } else if (up && Sim.now() - lease.heard > timeout.toNanos()) {
        expire(entry.getKey());
      }
    }
    for (Session client : List.copyOf(clients)) {
      client.tick();
    }
  }

  private void expire(long id) {
    Lease lease = sessions.remove(id);
    if (lease == null) {
      return;
    }
    Sim.trace("session " + id + " of " + lease.client.host + " ends");
    for (Map.Entry<String, Value> entry : List.copyOf(leader().tree.entrySet())) {
      if (entry.getValue().owner() == id) {
        commit(new Change(entry.getKey(), null));
      }
    }
  }

  /** Begins a session for the process that runs now. */
  Agreement open(String machine, Runnable changed) {
    Session session = new Session(machine, changed);
    clients.add(session);
    return session;
  }

  /** Fails as ZooKeeper does; the outcome is known. */
  private static final class Refused extends Exception {
    private static final long serialVersionUID = 1;
  }

  private interface Operation<T> {
    T at(Server server) throws Refused;
  }

  /** What one node has of it. */
  private final class Session implements Agreement {
    private final Sim.Host host = Sim.host();
    private final String machine;
    private final Runnable changed;
    private Server server = servers.get(Sim.random(SERVERS));
    private long id;
    private long lastReachable = Sim.now();
    private boolean closed;

    Session(String machine, Runnable changed) {
      this.machine = machine;
      this.changed = changed;
    }

    private boolean isReachable() {
      return up
          && !closed
          && !host.isDead()
          && !host.isFrozen()
          && !wires.isCut(machine, SimWires.ENSEMBLE)
          && !wires.isCut(SimWires.ENSEMBLE, machine);
    }

    /** Null if there is none. */
    private @Nullable Lease connection() {
      Lease lease = isReachable() ? sessions.get(id) : null;
      return lease != null && lease.client == this ? lease : null;
    }

    /** What the library does by itself. */
    private void tick() {
      if (host.isDead() || closed) {
        clients.remove(this);
        return;
      }
      if (isReachable()) {
        lastReachable = Sim.now();
        if (connection() == null) {
          id = ++lastSession;
          server = servers.get(Sim.random(SERVERS));
          sessions.put(id, new Lease(this));
          Sim.trace("session " + id + " of " + host + " begins");
          tell();
        }
      } else if (Sim.now() - lastReachable > timeout.toNanos() && !host.isFrozen()) {
        id = 0; // it gives the session up, and tries to get another
      }
    }

    private void tell() {
      Sim.after(
          Duration.ofNanos(Sim.random(500_000)),
          () -> {
            if (!host.isDead() && !closed) {
              changed.run();
            }
          });
    }

    private void travel(boolean always) {
      if (always || Sim.oneIn(10)) {
        Sim.sleep(Duration.ofNanos(100_000 + Sim.random(2_000_000)));
      }
    }

    private <T> T call(String verb, String path, boolean isWrite, Operation<T> operation)
        throws IOException, Refused {
      for (int attempt = 0; attempt < 2; attempt++) {
        if (attempt > 0) {
          Sim.sleep(Duration.ofMillis(100));
        }
        long until = Sim.now() + timeout.toNanos() / 2;
        while (connection() == null && Sim.now() < until) {
          Sim.sleep(Duration.ofMillis(50));
        }
        travel(isWrite);
        Lease lease = connection();
        if (lease == null) {
          continue;
        }
        lease.heard = Sim.now();
        T result = operation.at(server);
        long as = id;
        travel(isWrite);
        if (connection() != null && id == as && !(isWrite && Sim.oneIn(200))) {
          return result;
        }
        Sim.trace("answer to " + verb + " " + path + " is lost");
      }
      throw new IOException(verb + " " + path + ": no connection to the ensemble");
    }

    private <T> T known(String verb, String path, boolean isWrite, Operation<T> operation)
        throws IOException {
      try {
        return call(verb, path, isWrite, operation);
      } catch (Refused e) {
        throw new IOException(verb + " " + path + " is refused", e);
      }
    }

    @Override
    public Agreement.Session session() throws IOException {
      Sim.point();
      return new Agreement.Session(id, timeout);
    }

    @Override
    public byte @Nullable [] read(String path) throws IOException {
      byte[][] found = new byte[1][];
      boolean isThere =
          known(
              "read of",
              path,
              false,
              from -> {
                Value value = from.tree.get(path);
                if (value == null) {
                  return false;
                }
                from.watch(from.valueWatches, path, this);
                found[0] = value.bytes();
                return true;
              });
      return isThere ? found[0] : null;
    }

    @Override
    public List<String> children(String path) throws IOException {
      return known(
          "list of",
          path,
          false,
          from -> {
            if (from.tree.containsKey(path)) {
              from.watch(from.listWatches, path, this);
            }
            return from.children(path);
          });
    }

    @Override
    public int version(String path) throws IOException {
      return known(
          "look at",
          path,
          false,
          from -> {
            Value value = from.tree.get(path);
            return value == null ? -1 : value.version();
          });
    }

    private void set(String path, byte[] bytes, long owner) {
      for (String up = parent(path); !leader().tree.containsKey(up); up = parent(up)) {
        commit(new Change(up, new Value(new byte[0], 0, 0)));
      }
      Value before = leader().tree.get(path);
      int version = before == null ? 0 : before.version() + 1;
      commit(new Change(path, new Value(bytes, version, owner)));
      server.applyUntil(log.size());
    }

    private boolean added(String path, byte[] bytes, long owner) {
      if (leader().tree.containsKey(path)) {
        server.applyUntil(log.size());
        return false;
      }
      set(path, bytes, owner);
      return true;
    }

    @Override
    public boolean create(String path, byte[] value) throws IOException {
      return known("creation of", path, true, from -> added(path, value, 0));
    }

    @Override
    public void putEphemeral(String path, byte[] value) throws IOException {
      long session = id;
      if (known("look at", path, false, from -> isOwn(from, path, session))) {
        boolean unused =
            known(
                "write of",
                path,
                true,
                from -> {
                  if (id != session || !isOwn(leader(), path, session)) {
                    throw new Refused();
                  }
                  set(path, value, session);
                  return true;
                });
        return;
      }
      boolean unused =
          known(
              "removal of",
              path,
              true,
              from -> {
                if (leader().tree.containsKey(path)) {
                  commit(new Change(path, null));
                }
                server.applyUntil(log.size());
                return true;
              });
      boolean made = known("write of", path, true, from -> added(path, value, id));
      if (!made) {
        throw new IOException(path + " is there already");
      }
    }

    private boolean isOwn(Server at, String path, long session) {
      Value found = at.tree.get(path);
      return found != null && found.owner() == session;
    }

    @Override
    public void put(String path, byte[] value) throws IOException {
      boolean unused =
          known(
              "write of",
              path,
              true,
              from -> {
                set(path, value, 0);
                return true;
              });
    }

    @Override
    public void replaceIf(String guard, int version, String path, byte[] value) throws IOException {
      boolean unused =
          known(
              "write of",
              path,
              true,
              from -> {
                Value found = leader().tree.get(guard);
                if (found == null
                    || found.version() != version
                    || !leader().tree.containsKey(path)) {
                  throw new Refused();
                }
                set(path, value, 0);
                return true;
              });
    }

    @Override
    public void close() {
      closed = true;
      Lease lease = sessions.get(id);
      if (lease != null && lease.client == this) {
        expire(id);
      }
    }
  }
}
