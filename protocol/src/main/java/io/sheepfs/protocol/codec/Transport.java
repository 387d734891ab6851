package io.sheepfs.protocol.codec;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.ServerChannel;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollChannelOption;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.SocketChannel;
import io.netty.channel.socket.nio.NioChannelOption;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.time.Duration;
import jdk.net.ExtendedSocketOptions;

/**
 * Which of Netty's transports is used, for clients and servers alike: epoll where its native
 * library can be loaded, else Java's own. {@code -Dio.netty.transport.noNative=true} chooses
 * Java's.
 */
public final class Transport {

  private static final boolean EPOLL = Epoll.isAvailable();
  private static final int PROBES = 6;

  private Transport() {}

  /** The name of what is used, for the log. */
  public static String name() {
    return EPOLL ? "epoll" : "NIO";
  }

  /** Daemon threads that serve channels of the types below. */
  public static EventLoopGroup newGroup(int threads, String name) {
    return new MultiThreadIoEventLoopGroup(
        threads,
        new DefaultThreadFactory(name, true),
        EPOLL ? EpollIoHandler.newFactory() : NioIoHandler.newFactory());
  }

  /**
   * The same for a server whose clients are near and get quick answers: before it sleeps, a thread
   * looks for {@code moment} whether there is more to do, as long as there often is. Not on a
   * machine with one processor, nor without epoll.
   */
  public static EventLoopGroup newPollingGroup(int threads, String name, Duration moment) {
    if (!EPOLL || Runtime.getRuntime().availableProcessors() < 2) {
      return newGroup(threads, name);
    }
    return new MultiThreadIoEventLoopGroup(
        threads, new DefaultThreadFactory(name, true), BriefPolling.epoll(moment));
  }

  /** What a client connects with. */
  public static Class<? extends SocketChannel> socket() {
    return EPOLL ? EpollSocketChannel.class : NioSocketChannel.class;
  }

  /** What a server listens with on {@code address}: a port, or a Unix socket. */
  public static Class<? extends ServerChannel> listener(SocketAddress address) {
    if (address instanceof UnixDomainSocketAddress) {
      return EPOLL ? EpollServerDomainSocketChannel.class : NioServerDomainSocketChannel.class;
    }
    return EPOLL ? EpollServerSocketChannel.class : NioServerSocketChannel.class;
  }

  /** {@code address} as a channel of {@link #listener} takes it. */
  public static SocketAddress toBind(SocketAddress address) {
    return EPOLL && address instanceof UnixDomainSocketAddress unix
        ? new DomainSocketAddress(unix.getPath().toFile())
        : address;
  }

  /**
   * The options of a TCP listener and of what it accepts. A client whose machine died is noticed
   * after three times {@code idleSeconds}.
   */
  public static void tcpOptions(ServerBootstrap bootstrap, int idleSeconds) {
    int interval = Math.max(1, idleSeconds / 3);
    bootstrap
        .option(ChannelOption.SO_REUSEADDR, true)
        .childOption(ChannelOption.TCP_NODELAY, true)
        .childOption(ChannelOption.SO_KEEPALIVE, true);
    if (EPOLL) {
      bootstrap
          .childOption(EpollChannelOption.TCP_KEEPIDLE, idleSeconds)
          .childOption(EpollChannelOption.TCP_KEEPINTVL, interval)
          .childOption(EpollChannelOption.TCP_KEEPCNT, PROBES);
    } else {
      bootstrap
          .childOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPIDLE), idleSeconds)
          .childOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPINTERVAL), interval)
          .childOption(NioChannelOption.of(ExtendedSocketOptions.TCP_KEEPCOUNT), PROBES);
    }
  }
}
