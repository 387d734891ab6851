package io.sheepfs.store.server;

import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.store.SheepNode;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** What all connections of a server share. Safe for any number of threads. */
final class ServerCore {

  private final SheepNode sheep;
  private final ServerOptions options;
  private final Dispatcher dispatcher;
  private final Counters counters;
  private final Lanes lanes;
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
      Lanes lanes,
      @Nullable Standstill standstill,
      Runnable shutdown) {
    this.sheep = sheep;
    this.options = options;
    this.lanes = lanes;
    this.standstill = standstill;
    this.counters = new Counters();
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

  Lanes lanes() {
    return lanes;
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
