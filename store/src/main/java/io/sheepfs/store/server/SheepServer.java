package io.sheepfs.store.server;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.timeout.IdleStateHandler;
import io.netty.handler.timeout.WriteTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.GlobalEventExecutor;
import io.sheepfs.protocol.codec.ResponseEncoder;
import io.sheepfs.protocol.codec.Transport;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.cluster.ClusterSheep;
import io.sheepfs.telemetry.MetricsServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves a store on a TCP port, to clients of ours and of the original. The store stays open when
 * the server closes.
 *
 * <p>Safe for any number of threads.
 */
public final class SheepServer implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(SheepServer.class);

  private static final int LOW_WATER_BYTES = 1 << 18;
  private static final int HIGH_WATER_BYTES = 1 << 20;
  private static final int KEEPALIVE_SECONDS = 30;
  private final ServerOptions options;
  private final ServerCore core;
  private final Lanes lanes;
  private final ScheduledExecutorService timer;
  private final EventLoopGroup eventLoops;
  private final ChannelGroup clients = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
  private final CountDownLatch shutdownAsked = new CountDownLatch(1);
  private final SheepMetrics metrics;
  private final StatusPage page;
  private final Channel listener;

  private SheepServer(
      SheepNode sheep,
      InetSocketAddress address,
      ServerOptions options,
      @Nullable GatewayCache cache)
      throws IOException {
    this.options = options;
    this.lanes = Lanes.of(options, sheep instanceof ClusterSheep);
    this.timer =
        Executors.newSingleThreadScheduledExecutor(new DefaultThreadFactory("sheep-timer", true));
    Standstill standstill = sheep instanceof ClusterSheep ? new Standstill(timer) : null;
    this.core = new ServerCore(sheep, options, lanes, standstill, shutdownAsked::countDown);
    if (cache != null) {
      core.use(cache);
    }
    this.metrics = new SheepMetrics(sheep, core, cache);
    this.page = new StatusPage(sheep, core);
    this.eventLoops = Transport.newGroup(2, "sheep-server");
    Future<Void> bound = bootstrap(address).bind(address).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      lanes.close();
      timer.shutdown();
      Future<?> unused = eventLoops.shutdownGracefully(0, 1, TimeUnit.SECONDS);
      throw new IOException("cannot listen on " + address, bound.cause());
    }
    this.listener = ((io.netty.channel.ChannelFuture) bound).channel();
  }

  /**
   * Starts to serve.
   *
   * @param address port 0 takes any that is free
   * @throws IOException if the address cannot be listened on
   */
  public static SheepServer start(SheepNode sheep, InetSocketAddress address, ServerOptions options)
      throws IOException {
    return new SheepServer(sheep, address, options, null);
  }

  /** As the other, with an object cache before the store, which the caller closes afterwards. */
  public static SheepServer start(
      SheepNode sheep, InetSocketAddress address, ServerOptions options, GatewayCache cache)
      throws IOException {
    return new SheepServer(sheep, address, options, cache);
  }

  private ServerBootstrap bootstrap(InetSocketAddress address) {
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(eventLoops)
            .channel(Transport.listener(address))
            .childOption(
                ChannelOption.WRITE_BUFFER_WATER_MARK,
                new WriteBufferWaterMark(LOW_WATER_BYTES, HIGH_WATER_BYTES))
            .childHandler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    accept(channel);
                  }
                });
    // a client whose machine died is noticed, and its leases end, within a minute and a half
    Transport.tcpOptions(bootstrap, KEEPALIVE_SECONDS);
    return bootstrap;
  }

  private void accept(Channel channel) {
    Traffic traffic = new Traffic();
    ClientConnection connection = new ClientConnection(core, traffic);
    if (!core.connected(connection)) {
      log.warn("{} is turned away: too many connections", channel.remoteAddress());
      io.netty.channel.ChannelFuture unused = channel.close();
      return;
    }
    clients.add(channel);
    SslContext tls = options.tls();
    if (tls != null) {
      channel.pipeline().addLast(tls.newHandler(channel.alloc()));
    }
    install(channel, connection, traffic, options);
  }

  /** Puts a client's handlers into its channel. */
  static void install(
      Channel channel, ClientConnection connection, Traffic traffic, ServerOptions options) {
    long timeoutMillis = options.frameTimeout().toMillis();
    channel
        .pipeline()
        .addLast(new IdleStateHandler(timeoutMillis, 0, 0, TimeUnit.MILLISECONDS))
        .addLast(new WriteTimeoutHandler(timeoutMillis, TimeUnit.MILLISECONDS))
        .addLast(traffic)
        .addLast(connection.decoder())
        .addLast(new ResponseEncoder())
        .addLast(connection);
  }

  /**
   * Begins to tell over HTTP how the sheep does.
   *
   * @throws IOException if the address cannot be listened on
   */
  public MetricsServer startMetrics(InetSocketAddress address) throws IOException {
    return MetricsServer.start(address, metrics::numbers, metrics::health, page);
  }

  /** The port that is listened on. */
  public int port() {
    return ((InetSocketAddress) listener.localAddress()).getPort();
  }

  /**
   * Whether the threads that serve get on: the event loops, and a worker that carries out what
   * waits for no disk and no other sheep. Returns when they have answered, which may be never.
   */
  public boolean answers() {
    try {
      for (EventExecutor loop : eventLoops) {
        Future<?> unused = loop.submit(() -> {}).sync();
      }
      return lanes.answerer().submit(core.dispatcher()::answersItself).get();
    } catch (ExecutionException e) {
      log.warn("asked by the watchdog", e);
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Returns when a client asked for a shutdown. */
  public void awaitShutdown() throws InterruptedException {
    shutdownAsked.await();
  }

  /** Ends all connections, for what clients hold through them has ended. */
  public void disconnectAll() {
    // not the group, which would turn away all that come later, too
    for (Channel client : clients) {
      io.netty.channel.ChannelFuture unused = client.close();
    }
  }

  /** Has {@link #awaitShutdown} return. */
  public void askForShutdown() {
    shutdownAsked.countDown();
  }

  ServerCore core() {
    return core;
  }

  /** Takes no more requests, answers those under way, and closes all connections. */
  @Override
  public void close() {
    Future<?> closing = listener.close().awaitUninterruptibly();
    core.drain();
    try {
      core.awaitIdle(options.drainTimeout().toNanos());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Future<?> closed = clients.close().awaitUninterruptibly();
    lanes.close();
    timer.shutdownNow();
    Future<?> stopped =
        eventLoops.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    log.debug("closed: {} {} {}", closing, closed, stopped);
    long strange = core.counters().unknownOpcodes();
    long flagged = core.counters().unknownFlags();
    if (strange + flagged > 0) {
      log.info("{} requests had an unknown opcode, {} an unknown flag", strange, flagged);
    }
    shutdownAsked.countDown();
  }
}
