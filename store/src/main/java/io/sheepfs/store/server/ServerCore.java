package io.sheepfs.store.server;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.codec.ByteBudget;
import io.sheepfs.store.SheepNode;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import org.jspecify.annotations.Nullable;

/** What all connections of a server share. Safe for any number of threads. */
final class ServerCore {

  private final SheepNode sheep;
  private final ServerOptions options;
  private final Dispatcher dispatcher;
  private final Counters counters;
  private final ByteBudget budget;

  /** Its queue is bounded by the connections, and by what each may have under way. */
  private final ExecutorService workers;

  /** Of their own, since the workers of several sheep may wait for each other's answers here. */
  private final ExecutorService peerWorkers;

  /** For what those may wait for, and which waits for nobody. */
  private final ExecutorService recoveryWorkers;

  /** For the question whether this sheep lives, which must not stand in line behind anything. */
  private final ExecutorService answerer;

  private final Set<ClientConnection> connections = ConcurrentHashMap.newKeySet();
  private final @Nullable Standstill standstill;
  private int underWay;

  /**
   * What there is before the first connection.
   *
   * @param standstill null if clients have no other sheep to go to
   */
  ServerCore(
      SheepNode sheep,
      ServerOptions options,
      ExecutorService workers,
      ExecutorService peerWorkers,
      ExecutorService recoveryWorkers,
      ExecutorService answerer,
      @Nullable Standstill standstill,
      Runnable shutdown) {
    this.sheep = sheep;
    this.options = options;
    this.workers = workers;
    this.peerWorkers = peerWorkers;
    this.recoveryWorkers = recoveryWorkers;
    this.answerer = answerer;
    this.standstill = standstill;
    this.counters = new Counters();
    this.budget = new ByteBudget(options.maxTotalBytes() + (1 << 16));
    this.dispatcher = new Dispatcher(sheep, counters, options, shutdown);
  }

  /** Puts an object cache before the store, before the first request. */
  void use(GatewayCache cache) {
    dispatcher.use(cache, options.maxBodyBytes());
  }

  ServerOptions options() {
    return options;
  }

  Dispatcher dispatcher() {
    return dispatcher;
  }

  ByteBudget budget() {
    return budget;
  }

  /** Who carries a request out. */
  ExecutorService workers(RequestHeader header) {
    Opcode opcode = header.opcode();
    boolean isRecovery = header.has(RequestFlags.RECOVERY);
    if (opcode == Opcode.REPAIR_REPLICA) { // a client's is passed on, and waits for other sheep
      return isRecovery ? peerWorkers : workers;
    }
    if (opcode != null && isBetweenSheep(opcode) && isRecovery) {
      return recoveryWorkers;
    }
    if (opcode == Opcode.GET_NODE_LIST) {
      return answerer;
    }
    return opcode != null && isBetweenSheep(opcode) ? peerWorkers : workers;
  }

  /** Whether only sheep send it. */
  static boolean isBetweenSheep(Opcode opcode) {
    return opcode.scope() == Opcode.Scope.PEER
        || opcode == Opcode.GET_HASH
        || opcode == Opcode.REPAIR_REPLICA;
  }

  /** How often this process stood still. */
  int standstills() {
    return standstill == null ? 0 : standstill.count();
  }

  Counters counters() {
    return counters;
  }

  /** Whether there is room for one more client. */
  boolean connected(ClientConnection connection) {
    connections.add(connection);
    if (connections.size() <= options.maxConnections()) {
      return true;
    }
    connections.remove(connection);
    return false;
  }

  int connections() {
    return connections.size();
  }

  void disconnected(ClientConnection connection) {
    connections.remove(connection);
  }

  void drain() {
    connections.forEach(ClientConnection::drain);
  }

  void releaseLeases(ClientConnection connection) {
    sheep.releaseLeases(connection);
    dispatcher.disconnected(connection);
  }

  void begin(RequestHeader header) {
    counters.begin(header);
    synchronized (this) {
      underWay++;
    }
  }

  void end(RequestHeader header, long answerBytes) {
    counters.end(header, answerBytes);
    synchronized (this) {
      underWay--;
      if (underWay == 0) {
        notifyAll();
      }
    }
  }

  /** Returns when nothing is under way, or after the time. */
  synchronized void awaitIdle(long timeoutNanos) throws InterruptedException {
    long deadline = System.nanoTime() + timeoutNanos;
    while (underWay > 0) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        return;
      }
      wait(left / 1_000_000, (int) (left % 1_000_000));
    }
  }
}
