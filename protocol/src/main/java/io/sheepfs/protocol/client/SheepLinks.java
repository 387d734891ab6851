package io.sheepfs.protocol.client;

import io.netty.channel.EventLoopGroup;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.codec.Transport;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one sheep to the others. A request is sent once, as it is, and whatever comes
 * back is the answer: who talks to a sheep of a cluster decides by the epoch whether to try again.
 * Safe for any number of threads.
 */
public final class SheepLinks implements AutoCloseable {

  private final EventLoopGroup group = Transport.newGroup(2, "sheep-client");
  private final ClientOptions options;
  private final Map<InetSocketAddress, Peer> peers = new ConcurrentHashMap<>();
  private final Set<Link> links = ConcurrentHashMap.newKeySet();
  private volatile Set<InetSocketAddress> gone = Set.of();

  /** No connections yet; the request timeout of the options bounds each exchange. */
  public SheepLinks(ClientOptions options) {
    this.options = options;
  }

  /**
   * Sends a request over a connection that all share, and waits for the answer.
   *
   * @param source the body; null for none
   * @param target where the body of the answer goes; its position moves behind it. Null for none
   * @throws IOException if there is no answer; whether the request was carried out is unknown then
   */
  public ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target)
      throws IOException {
    return exchange(node, header, source, target, options.requestTimeout());
  }

  /** The same with another time for the answer. */
  public ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target,
      Duration timeout)
      throws IOException {
    checkNotGone(node);
    Peer peer = peers.computeIfAbsent(node, address -> new Peer(group, address, options, false));
    return exchange(peer.shared(), header, source, target, timeout);
  }

  private void checkNotGone(InetSocketAddress node) throws ConnectException {
    if (gone.contains(node)) {
      throw new ConnectException(Connection.text(node) + " has left the cluster");
    }
  }

  private ResponseHeader exchange(
      Connection connection,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target,
      Duration timeout)
      throws IOException {
    return SheepClient.exchange(
        connection, header, source, target, timeout.toNanos(), SheepClient.Repeat.ALWAYS);
  }

  /** A connection of the caller's own, which the caller closes. */
  public Link open(InetSocketAddress node) throws IOException {
    checkNotGone(node);
    Link link = new Link(node, Connection.open(group, node, options));
    links.add(link);
    link.connection.whenClosed(() -> links.remove(link));
    return link;
  }

  /** A connection that nobody else uses: what the other side ties to it ends with it. */
  public final class Link implements AutoCloseable {
    private final InetSocketAddress node;
    private final Connection connection;

    private Link(InetSocketAddress node, Connection connection) {
      this.node = node;
      this.connection = connection;
    }

    /** As {@link SheepLinks#exchange}. */
    public ResponseHeader exchange(
        RequestHeader header,
        @Nullable ByteBuffer source,
        @Nullable ByteBuffer target,
        Duration timeout)
        throws IOException {
      return SheepLinks.this.exchange(connection, header, source, target, timeout);
    }

    /** Whether both sides still have it. */
    public boolean isOpen() {
      return connection.isOpen();
    }

    @Override
    public void close() {
      connection.close();
    }
  }

  /**
   * Gives nodes up, until they are not among those that this is told: exchanges with them that are
   * under way fail, and new ones fail at once.
   */
  public void giveUp(Set<InetSocketAddress> nodes) {
    gone = Set.copyOf(nodes);
    nodes.forEach(this::drop);
  }

  /** Closes the connections to a node; exchanges under way fail. */
  public void drop(InetSocketAddress node) {
    Peer peer = peers.remove(node);
    if (peer != null) {
      peer.close();
    }
    for (Link link : links) {
      if (link.node.equals(node)) {
        link.close();
      }
    }
  }

  /** Closes all connections but those of {@link #open}. */
  @Override
  public void close() {
    peers.values().forEach(Peer::close);
    group
        .shutdownGracefully(0, Duration.ofSeconds(2).toMillis(), TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
