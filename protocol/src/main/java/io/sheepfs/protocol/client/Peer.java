package io.sheepfs.protocol.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.netty.channel.EventLoopGroup;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One sheep and the connections to it, made when they are needed. After a failed attempt, further
 * ones fail at once for a while, so that a hundred waiting threads don't knock a hundred times.
 */
final class Peer {

  private static final long REST_NANOS = Duration.ofMillis(50).toNanos();

  private final EventLoopGroup group;
  private final InetSocketAddress address;
  private final ClientOptions options;
  private final boolean watched;
  private final Slot[] slots;
  private final AtomicInteger turn = new AtomicInteger();

  /**
   * A sheep that is not connected to yet.
   *
   * @param watched whether there is another to turn to when this one stands still
   */
  Peer(EventLoopGroup group, InetSocketAddress address, ClientOptions options, boolean watched) {
    this.group = group;
    this.address = address;
    this.watched = watched;
    this.options = options;
    this.slots = new Slot[options.connectionsPerPeer()];
    for (int i = 0; i < slots.length; i++) {
      slots[i] = new Slot();
    }
  }

  InetSocketAddress address() {
    return address;
  }

  /** A connection to share. */
  Connection shared() throws IOException {
    return slots[Math.floorMod(turn.getAndIncrement(), slots.length)].connection();
  }

  /** A connection of the caller's own. */
  Connection dedicated() throws IOException {
    return watched
        ? Connection.openWatched(group, address, options)
        : Connection.open(group, address, options);
  }

  void close() {
    for (Slot slot : slots) {
      slot.close(Connection::close);
    }
  }

  /** As {@link #close}; what is not sent yet never will be. */
  void reset() {
    for (Slot slot : slots) {
      slot.close(Connection::reset);
    }
  }

  private final class Slot {
    @GuardedBy("this")
    private @Nullable Connection connection;

    @GuardedBy("this")
    private @Nullable IOException lastFailure;

    @GuardedBy("this")
    private long lastFailureNanos;

    synchronized Connection connection() throws IOException {
      if (connection != null && connection.isOpen()) {
        return connection;
      }
      if (lastFailure != null && System.nanoTime() - lastFailureNanos < REST_NANOS) {
        throw failedJustNow(lastFailure);
      }
      try {
        connection = dedicated();
        lastFailure = null;
        return connection;
      } catch (IOException e) {
        lastFailure = e;
        lastFailureNanos = System.nanoTime();
        throw e;
      }
    }

    private ConnectException failedJustNow(IOException cause) {
      ConnectException failure = new ConnectException(cause.getMessage());
      failure.initCause(cause);
      return failure;
    }

    synchronized void close(Consumer<Connection> how) {
      if (connection != null) {
        how.accept(connection);
        connection = null;
      }
    }
  }
}
