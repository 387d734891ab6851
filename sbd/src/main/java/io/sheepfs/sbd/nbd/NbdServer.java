package io.sheepfs.sbd.nbd;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.codec.ByteBudget;
import io.sheepfs.protocol.codec.Transport;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the VDIs of a cluster over NBD, on a TCP port or on a Unix socket. The cluster stays open
 * when the server closes.
 *
 * <p>Safe for any number of threads.
 */
public final class NbdServer implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(NbdServer.class);

  private static final int EVENT_LOOPS = 2;

  /** Where objects are near, longer than a client usually takes from an answer to its next. */
  private static final Duration POLLING = Duration.ofNanos(32_000);

  /**
   * Netty's usual one, with as little heap as we have, makes and zeroes each payload of 1 MiB anew.
   * One arena for each event loop, in chunks of 16 MiB: the first is kept, also when it is empty.
   */
  private static final PooledByteBufAllocator PAYLOADS =
      new PooledByteBufAllocator(
          true,
          0,
          EVENT_LOOPS,
          8192,
          11,
          PooledByteBufAllocator.defaultSmallCacheSize(),
          PooledByteBufAllocator.defaultNormalCacheSize(),
          false);

  private static final int KEEPALIVE_SECONDS = 30;

  /** What is in use above the budget of requests: their heads, and small answers. */
  private static final int BUDGET_SLACK_BYTES = 1 << 16;

  private final ServerLimits limits;
  private final Exports exports;
  private final ServerCore core;
  private final ExecutorService workers;
  private final EventLoopGroup eventLoops;
  private final ChannelGroup clients = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
  private final Channel listener;
  private final @Nullable Path socketFile;

  private NbdServer(Cluster cluster, SocketAddress address, NbdServerOptions options)
      throws IOException {
    this.limits = options.limits();
    this.exports = new Exports(cluster, options.readOnly(), options.defaultExport());
    this.workers =
        Executors.newFixedThreadPool(limits.workers(), new DefaultThreadFactory("nbd-work", true));
    this.core =
        new ServerCore(
            exports,
            limits,
            new ByteBudget(limits.maxTotalBytes() + BUDGET_SLACK_BYTES),
            workers,
            options.quickObjects(),
            options.tls(),
            options.allowed());
    this.eventLoops =
        options.quickObjects()
            ? Transport.newPollingGroup(EVENT_LOOPS, "nbd-server", POLLING)
            : Transport.newGroup(EVENT_LOOPS, "nbd-server");
    this.socketFile =
        address instanceof UnixDomainSocketAddress unix ? unix.getPath().toAbsolutePath() : null;
    boolean done = false;
    try {
      if (socketFile != null) {
        removeDead(socketFile);
      }
      this.listener = bind(address);
      done = true;
    } finally {
      if (!done) {
        workers.shutdown();
        Future<?> unused = eventLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      }
    }
  }

  /**
   * Starts to serve.
   *
   * @param address an {@link InetSocketAddress}, whose port 0 takes any that is free, or a {@link
   *     UnixDomainSocketAddress}, whose file must not be there, or be left by a server that died
   * @throws IOException if the address cannot be listened on
   */
  public static NbdServer start(Cluster cluster, SocketAddress address, NbdServerOptions options)
      throws IOException {
    return new NbdServer(cluster, address, options);
  }

  /** A socket that nobody listens on any more is in the way. */
  private static void removeDead(Path file) throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
      probe.connect(UnixDomainSocketAddress.of(file));
    } catch (IOException refused) {
      if (Files.isRegularFile(file) || Files.isDirectory(file)) {
        throw new IOException(file + " is there already, and is no socket", refused);
      }
      Files.delete(file);
      return;
    }
    throw new IOException("a server listens on " + file + " already");
  }

  private Channel bind(SocketAddress address) throws IOException {
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(eventLoops)
            .channel(Transport.listener(address))
            .childOption(ChannelOption.ALLOCATOR, PAYLOADS)
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(channel);
                  }
                });
    if (socketFile == null) {
      // a client whose machine died is noticed, and its locks end, within a minute and a half
      Transport.tcpOptions(bootstrap, KEEPALIVE_SECONDS);
    }
    ChannelFuture bound = bootstrap.bind(Transport.toBind(address)).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw new IOException("cannot listen on " + address, bound.cause());
    }
    if (socketFile != null) {
      Files.setPosixFilePermissions(socketFile, PosixFilePermissions.fromString("rw-------"));
    }
    return bound.channel();
  }

  private void accept(Channel channel) {
    if (clients.size() >= limits.maxConnections()) {
      log.warn("{} is turned away: too many connections", channel.remoteAddress());
      ChannelFuture unused = channel.close();
      return;
    }
    clients.add(channel);
    channel.config().setRecvByteBufAllocator(new PayloadReceiver());
    long stallMillis = limits.stallTimeout().toMillis();
    channel
        .pipeline()
        .addLast(new IdleStateHandler(true, stallMillis, stallMillis, 0, TimeUnit.MILLISECONDS))
        .addLast(new Negotiation(core));
  }

  /** What this machine connects to. */
  public SocketAddress address() {
    if (socketFile != null) {
      return UnixDomainSocketAddress.of(socketFile);
    }
    InetSocketAddress bound = (InetSocketAddress) listener.localAddress();
    return bound.getAddress().isAnyLocalAddress()
        ? new InetSocketAddress(InetAddress.getLoopbackAddress(), bound.getPort())
        : bound;
  }

  /** The port that is listened on; -1 for a Unix socket. */
  public int port() {
    return listener.localAddress() instanceof InetSocketAddress address ? address.getPort() : -1;
  }

  /** The connections there are. */
  ChannelGroup clients() {
    return clients;
  }

  ServerCore core() {
    return core;
  }

  /**
   * Takes no more clients, lets what is under way end, closes all connections, and flushes and
   * closes the volumes.
   *
   * @throws IOException if something could not be flushed
   */
  @Override
  public void close() throws IOException {
    Future<?> closing = listener.close().awaitUninterruptibly();
    for (Channel client : clients) {
      client.eventLoop().execute(() -> drain(client));
    }
    try {
      if (!clients.newCloseFuture().await(limits.drainTimeout().toMillis())) {
        log.warn("{} connections are cut off", clients.size());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Future<?> closed = clients.close().awaitUninterruptibly();
    Future<?> stopped =
        eventLoops.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    workers.shutdown();
    try {
      if (!workers.awaitTermination(limits.drainTimeout().toMillis(), TimeUnit.MILLISECONDS)) {
        log.warn("some requests are still under way");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (socketFile != null) {
      Files.deleteIfExists(socketFile);
    }
    log.debug("closed: {} {} {}", closing, closed, stopped);
    exports.close();
  }

  private static void drain(Channel client) {
    Transmission transmission = client.pipeline().get(Transmission.class);
    if (transmission != null) {
      transmission.end();
    } else {
      ChannelFuture unused = client.close();
    }
  }

  /** How many clients there are. */
  public int connections() {
    return clients.size();
  }

  /** How many VDIs and snapshots are open. */
  public int openExports() {
    return exports.openCount();
  }

  /** For tests: what requests take at the moment. */
  long takenBytes() {
    return core.budget().usedBytes();
  }
}
