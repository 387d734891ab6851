package io.sheepfs.store.server;

import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.store.SheepNode;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;

/** What all connections of a server share. Safe for any number of threads. */
final class ServerCore {

  private final SheepNode sheep;
  private final ServerOptions options;
  private final Dispatcher dispatcher;
  private final Counters counters;
  private final MemoryBudget budget;

  /** Its queue is bounded by the connections, and by what each may have under way. */
  private final ExecutorService workers;

  private final Set<ClientConnection> connections = ConcurrentHashMap.newKeySet();
  private int underWay;

  ServerCore(SheepNode sheep, ServerOptions options, ExecutorService workers, Runnable shutdown) {
    this.sheep = sheep;
    this.options = options;
    this.workers = workers;
    this.counters = new Counters();
    this.budget = new MemoryBudget(options.maxTotalBytes() + (1 << 16));
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

  MemoryBudget budget() {
    return budget;
  }

  ExecutorService workers() {
    return workers;
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

  void disconnected(ClientConnection connection) {
    connections.remove(connection);
  }

  void drain() {
    connections.forEach(ClientConnection::drain);
  }

  void releaseLeases(ClientConnection connection) {
    sheep.releaseLeases(connection);
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
