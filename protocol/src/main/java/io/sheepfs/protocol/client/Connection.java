package io.sheepfs.protocol.client;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.handler.codec.CorruptedFrameException;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.flush.FlushConsolidationHandler;
import io.netty.handler.ssl.SslContext;
import io.netty.util.collection.IntObjectHashMap;
import io.netty.util.collection.IntObjectMap;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.codec.RequestEncoder;
import io.sheepfs.protocol.codec.RequestFrame;
import io.sheepfs.protocol.codec.ResponseDecoder;
import io.sheepfs.protocol.codec.ResponseFrame;
import io.sheepfs.protocol.codec.Transport;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection with any number of requests in flight, matched by id. All state but the channel
 * itself is confined to the event loop. Once broken it stays so, and all its calls have failed.
 */
final class Connection {

  private static final Logger log = LoggerFactory.getLogger(Connection.class);

  private static final int MAX_READ_BYTES = 1 << 20;
  private static final RequestEncoder ENCODER = new RequestEncoder();

  private final Channel channel;
  private final Exchange exchange;

  private Connection(Channel channel, Exchange exchange) {
    this.channel = channel;
    this.exchange = exchange;
  }

  /** As {@link #open}, to a sheep that answers: a frozen one is as bad as none. */
  static Connection openWatched(
      EventLoopGroup group, InetSocketAddress address, ClientOptions options) throws IOException {
    Connection connection = connect(group, address, options);
    connection.prove().start();
    return connection;
  }

  /**
   * Connects, within a time. Over TLS a client learns only from the first answer whether the server
   * takes its certificate, so that is waited for.
   */
  static Connection open(EventLoopGroup group, InetSocketAddress address, ClientOptions options)
      throws IOException {
    Connection connection = connect(group, address, options);
    if (options.tls() != null) {
      Pulse unused = connection.prove();
    }
    return connection;
  }

  private Pulse prove() throws IOException {
    Pulse pulse = new Pulse(channel, exchange);
    try {
      pulse.prove();
    } catch (IOException e) {
      close();
      throw e;
    }
    return pulse;
  }

  private static Connection connect(
      EventLoopGroup group, InetSocketAddress address, ClientOptions options) throws IOException {
    Duration timeout = options.connectTimeout();
    Exchange exchange = new Exchange();
    Bootstrap bootstrap =
        new Bootstrap()
            .group(group)
            .channel(Transport.socket())
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.SO_KEEPALIVE, true)
            .option(
                ChannelOption.RECVBUF_ALLOCATOR,
                new AdaptiveRecvByteBufAllocator(512, 65_536, MAX_READ_BYTES))
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) Math.max(1, timeout.toMillis()))
            .handler(
                new ChannelInitializer<Channel>() {
                  @Override
                  protected void initChannel(Channel channel) {
                    SslContext tls = options.tls();
                    if (tls != null) {
                      channel
                          .pipeline()
                          .addLast(
                              tls.newHandler(
                                  channel.alloc(), address.getHostString(), address.getPort()));
                    }
                    exchange.install(channel);
                  }
                });
    ChannelFuture connecting =
        bootstrap.connect(new InetSocketAddress(address.getHostString(), address.getPort()));
    boolean done =
        connecting.awaitUninterruptibly(timeout.toMillis() + 1000, TimeUnit.MILLISECONDS);
    if (!done || !connecting.isSuccess()) {
      connecting.cancel(true);
      connecting.channel().close().awaitUninterruptibly();
      ConnectException failure = new ConnectException("cannot connect to " + text(address));
      Throwable cause = connecting.cause();
      if (cause != null) {
        failure.initCause(cause);
      }
      throw failure;
    }
    return new Connection(connecting.channel(), exchange);
  }

  /** A connection over a channel that is connected already. */
  static Connection over(Channel channel) {
    Exchange exchange = new Exchange();
    exchange.install(channel);
    return new Connection(channel, exchange);
  }

  static String text(InetSocketAddress address) {
    return address.getHostString() + ":" + address.getPort();
  }

  boolean isOpen() {
    return channel.isActive();
  }

  /** Starts a call; it completes on the event loop, at the latest when the connection breaks. */
  void start(Call call) {
    channel.eventLoop().execute(() -> exchange.send(channel, call));
  }

  /** Breaks the connection: the calls in flight fail. */
  void close() {
    channel.close().awaitUninterruptibly();
  }

  /** As {@link #close}; what is not sent yet never will be, also if the network comes back. */
  void reset() {
    if (channel.isOpen()) {
      channel.config().setOption(ChannelOption.SO_LINGER, 0);
    }
    close();
  }

  /** Runs {@code action} on the event loop when the connection is over, at once if it is. */
  void whenClosed(Runnable action) {
    channel.closeFuture().addListener(future -> action.run());
  }

  /** The calls of one connection, by id. */
  static final class Exchange extends ChannelInboundHandlerAdapter {

    private final IntObjectMap<Call> inFlight = new IntObjectHashMap<>();
    private int lastId;
    private long heard;
    private @Nullable IOException broken;

    void install(Channel channel) {
      channel
          .pipeline()
          .addLast(new FlushConsolidationHandler(64, true))
          .addLast(new IntoTarget())
          .addLast(ENCODER)
          .addLast(this);
    }

    void send(Channel channel, Call call) {
      if (broken != null || !channel.isActive()) {
        call.fail(new ConnectException("the connection is closed"));
        return;
      }
      int id = ++lastId;
      while (inFlight.containsKey(id)) {
        id = ++lastId;
      }
      inFlight.put(id, call);
      call.markSent();
      RequestHeader header = call.header().withId(id);
      ByteBuffer source = call.source();
      ByteBuf body = source == null ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(source);
      channel
          .writeAndFlush(new RequestFrame(header, body))
          .addListener(
              written -> {
                if (!written.isSuccess()) {
                  channel.close().addListener(closed -> failAll(written.cause()));
                }
              });
    }

    boolean isIdle() {
      return inFlight.isEmpty();
    }

    /** How often something was read; a number that stays says that nothing was. */
    long heard() {
      return heard;
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
      heard++;
      ctx.fireChannelReadComplete();
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
      ResponseFrame frame = (ResponseFrame) message;
      try {
        answer(frame);
      } finally {
        frame.release();
      }
    }

    /** The call that an answer is to; null if it is to none. */
    private @Nullable Call call(ResponseHeader answer) {
      Call call = inFlight.get(answer.id());
      return call == null || call.header().opcodeCode() != answer.opcodeCode() ? null : call;
    }

    private void answer(ResponseFrame frame) {
      ResponseHeader header = frame.header();
      Call call = call(header);
      if (call == null) {
        throw new CorruptedFrameException("an answer to no request: " + header);
      }
      ByteBuf body = frame.content();
      ByteBuffer target = call.target();
      if (target != null && body.isReadable()) {
        int length = body.readableBytes();
        if (!call.isAnswerInPlace()) {
          body.getBytes(body.readerIndex(), target.slice(target.position(), length));
        }
        target.position(target.position() + length);
      }
      inFlight.remove(header.id());
      call.complete(header);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
      failAll(new EOFException("the sheep closed the connection"));
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
      if (broken == null && cause instanceof DecoderException && tlsFailure(cause) == null) {
        log.warn(
            "{} does not keep to the protocol: {}; closing",
            ctx.channel().remoteAddress(),
            cause.getMessage());
      }
      if (broken == null) {
        broken = connectionBroke(cause);
      }
      ctx.close().addListener(closed -> failAll(cause));
    }

    private static IOException connectionBroke(@Nullable Throwable cause) {
      SSLException tls = tlsFailure(cause);
      if (tls != null) {
        return new IOException("TLS: " + tls.getMessage(), cause);
      }
      return cause instanceof IOException io
          ? io
          : new IOException("the connection broke: " + cause, cause);
    }

    /** That the two sides do not trust each other, or only one of them speaks TLS; else null. */
    private static @Nullable SSLException tlsFailure(@Nullable Throwable cause) {
      Throwable reason = cause instanceof DecoderException ? cause.getCause() : cause;
      return reason instanceof SSLException tls ? tls : null;
    }

    private void failAll(@Nullable Throwable cause) {
      if (broken == null) {
        broken = connectionBroke(cause);
      }
      List<Call> calls = new ArrayList<>(inFlight.values());
      inFlight.clear();
      calls.forEach(call -> call.fail(broken));
    }

    /** Gathers a long answer where the caller wants it. */
    final class IntoTarget extends ResponseDecoder {
      IntoTarget() {
        super(Integer.MAX_VALUE);
      }

      /** What its request has room for. An answer to no request is for nobody to gather. */
      @Override
      protected long maxBodyBytes(ResponseHeader header) {
        Call call = call(header);
        return call == null ? 0 : call.room();
      }

      @Override
      protected ByteBuf gatheringBuffer(
          ChannelHandlerContext ctx, ResponseHeader header, int length) {
        Call call = call(header);
        ByteBuffer target = call == null ? null : call.target();
        if (call == null || target == null) {
          return super.gatheringBuffer(ctx, header, length);
        }
        ByteBuf wrapped = Unpooled.wrappedBuffer(target.slice(target.position(), length)).clear();
        call.markAnswerInPlace();
        return wrapped;
      }
    }
  }
}
