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

/** {@link PeerLinks} over TCP. */
public final class SheepLinks implements PeerLinks {

  private final EventLoopGroup group = Transport.newGroup(2, "sheep-client");
  private final ClientOptions options;
  private final Map<InetSocketAddress, Peer> peers = new ConcurrentHashMap<>();
  private final Set<TcpLink> links = ConcurrentHashMap.newKeySet();
  private volatile Set<InetSocketAddress> gone = Set.of();

  /** No connections yet; the request timeout of the options bounds each exchange. */
  public SheepLinks(ClientOptions options) {
    this.options = options;
  }

  @Override
  public ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target)
      throws IOException {
    return exchange(node, header, source, target, options.requestTimeout());
  }

  @Override
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

  @Override
  public Link open(InetSocketAddress node) throws IOException {
    checkNotGone(node);
    TcpLink link = new TcpLink(node, Connection.open(group, node, options));
    links.add(link);
    link.connection.whenClosed(() -> links.remove(link));
    return link;
  }

  private final class TcpLink implements Link {
    private final InetSocketAddress node;
    private final Connection connection;

    private TcpLink(InetSocketAddress node, Connection connection) {
      this.node = node;
      this.connection = connection;
    }

    @Override
    public ResponseHeader exchange(
        RequestHeader header,
        @Nullable ByteBuffer source,
        @Nullable ByteBuffer target,
        Duration timeout)
        throws IOException {
      return SheepLinks.this.exchange(connection, header, source, target, timeout);
    }

    @Override
    public boolean isOpen() {
      return connection.isOpen();
    }

    @Override
    public void close() {
      connection.close();
    }
  }

  @Override
  public void giveUp(Set<InetSocketAddress> nodes) {
    gone = Set.copyOf(nodes);
    nodes.forEach(this::drop);
  }

  @Override
  public void drop(InetSocketAddress node) {
    Peer peer = peers.remove(node);
    if (peer != null) {
      peer.reset();
    }
    for (TcpLink link : links) {
      if (link.node.equals(node)) {
        link.connection.reset();
      }
    }
  }

  @Override
  public void close() {
    peers.values().forEach(Peer::close);
    group
        .shutdownGracefully(0, Duration.ofSeconds(2).toMillis(), TimeUnit.MILLISECONDS)
        .awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
