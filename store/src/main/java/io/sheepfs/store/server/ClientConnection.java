package io.sheepfs.store.server;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.WriteTimeoutException;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.codec.RequestDecoder;
import io.sheepfs.protocol.codec.RequestFrame;
import io.sheepfs.protocol.codec.ResponseFrame;
import io.sheepfs.protocol.tls.CertificateName;
import io.sheepfs.store.server.Lanes.Lane;
import io.sheepfs.telemetry.RequestEvent;
import io.sheepfs.telemetry.SlowRequests;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client. Its requests run at the same time and are answered in whatever order they end, but
 * for cluster operations, which run one after the other.
 *
 * <p>A request is let in by its header, when the budgets of the connection and of the server have
 * room for its body and its answer; until its answer is written, that room is taken. While a header
 * waits, or the client does not read, nothing more is read from it. So what a client can occupy is
 * bounded, whatever it sends and however slowly it reads; and a body that does not get on is not
 * waited for.
 *
 * <p>Confined to the channel's event loop; only {@link Dispatcher#answer} runs elsewhere.
 */
final class ClientConnection extends ChannelDuplexHandler implements Caller {

  private static final Logger log = LoggerFactory.getLogger(ClientConnection.class);

  /** 64 KiB a second: a body has its share of this on top of the time for a silent client. */
  private static final long SLOWEST_BYTES_PER_MILLI = 64;

  private final ServerCore core;
  private final Traffic traffic;
  private final RequestDecoder decoder;
  private final int standstillsBefore;

  /** Cluster operations that were started, in order; the first one runs. */
  private final Deque<Started> ordered = new ArrayDeque<>();

  /** The share of the request whose header was let in, and whose body is not complete. */
  private @Nullable Share arriving;

  private @Nullable Future<?> arrivalDeadline;

  /** Whether a header waits for room. */
  private boolean waiting;

  private int running;
  private long takenBytes;
  private long consumedBytes;
  private boolean closed;
  private volatile boolean turnedAway;
  private volatile @Nullable ChannelHandlerContext context;
  private volatile String certificateName = "";

  /** What a request takes of the budgets. */
  private record Share(Lane lane, long bytes) {}

  /** A request that has its share. */
  private record Started(RequestFrame frame, Share share, long begun) {
    Started(RequestFrame frame, Share share) {
      this(frame, share, Stage.begin());
    }
  }

  ClientConnection(ServerCore core, Traffic traffic) {
    this.core = core;
    this.traffic = traffic;
    this.standstillsBefore = core.standstills();
    this.decoder = new RequestDecoder(core.options().maxBodyBytes(), this::admit);
  }

  @Override
  public boolean isOutlived() {
    return core.standstills() != standstillsBefore;
  }

  @Override
  public boolean hasTurnedAway() {
    ChannelHandlerContext ctx = context;
    return turnedAway || (ctx != null && !ctx.channel().isActive());
  }

  @Override
  public void turnAway() {
    turnedAway = true;
  }

  @Override
  public String certificateName() {
    return certificateName;
  }

  /** What cuts the requests out of the stream, in front of this handler. */
  RequestDecoder decoder() {
    return decoder;
  }

  private ChannelHandlerContext context() {
    ChannelHandlerContext ctx = context;
    if (ctx == null) {
      throw new IllegalStateException("not in a pipeline yet");
    }
    return ctx;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    RequestFrame frame = (RequestFrame) message;
    consumedBytes += HeaderLayout.SIZE_BYTES + frame.header().bodyLength();
    Share share = arriving;
    if (share == null) {
      throw new IllegalStateException("a request that was not let in");
    }
    arriving = null;
    cancelDeadline();
    if (closed) {
      frame.release();
      giveBack(share);
      return;
    }
    if (isOutlived()) {
      log.warn("{} was kept waiting while this process stood still", ctx.channel().remoteAddress());
      frame.release();
      giveBack(share);
      reset(ctx);
      return;
    }
    start(new Started(frame, share));
  }

  /** A sender that trickles would keep its room for ever, without ever being silent. */
  @Override
  public void channelReadComplete(ChannelHandlerContext ctx) {
    Share share = arriving;
    if (share != null && arrivalDeadline == null) {
      long millis =
          core.options().frameTimeout().toMillis() + share.bytes / SLOWEST_BYTES_PER_MILLI;
      arrivalDeadline =
          ctx.executor().schedule(() -> arrivesTooSlowly(ctx), millis, TimeUnit.MILLISECONDS);
    }
    ctx.fireChannelReadComplete();
  }

  private void arrivesTooSlowly(ChannelHandlerContext ctx) {
    log.warn("{} sends a request too slowly; closing", ctx.channel().remoteAddress());
    reset(ctx);
  }

  /**
   * Drops the connection of a client that stands still. Closed in good order, the kernel would go
   * on for minutes to offer it what it does not read, and it would not learn of the end.
   */
  private static void reset(ChannelHandlerContext ctx) {
    if (ctx.channel().isOpen()) {
      ctx.channel().config().setOption(ChannelOption.SO_LINGER, 0);
    }
    ChannelFuture unused = ctx.close();
  }

  private void cancelDeadline() {
    if (arrivalDeadline != null) {
      arrivalDeadline.cancel(false);
      arrivalDeadline = null;
    }
  }

  /** What a request takes at most: its body, and as much answer as the sender has room for. */
  private long bytesOf(RequestHeader header) {
    long bytes = Math.max(header.bodyLength(), header.answerLimit());
    return HeaderLayout.SIZE_BYTES + Math.min(bytes, core.options().maxBodyBytes());
  }

  private boolean admit(RequestHeader header) {
    long bytes = bytesOf(header);
    Lane lane = core.lanes().of(header);
    boolean fits =
        !closed
            && context().channel().isWritable()
            && (running == 0
                || (running < core.options().maxRequestsPerConnection()
                    && takenBytes + bytes <= core.options().maxConnectionBytes()));
    waiting = !(fits && lane.budget().tryTake(bytes, this::resumeLater));
    if (waiting) {
      context().channel().config().setAutoRead(false);
      return false;
    }
    running++;
    takenBytes += bytes;
    arriving = new Share(lane, bytes);
    return true;
  }

  private void resumeLater() {
    context().executor().execute(this::resume);
  }

  /** Goes on with a header that waits, if it fits now. */
  private void resume() {
    if (waiting && !closed) {
      decoder.resume(context().pipeline().context(decoder));
      if (!waiting) {
        context().channel().config().setAutoRead(true);
      }
    }
  }

  private void start(Started request) {
    core.begin(request.frame.header());
    Opcode opcode = request.frame.header().opcode();
    if (opcode != null && opcode.scope() == Opcode.Scope.CLUSTER) {
      ordered.add(request);
      if (ordered.size() == 1) {
        run(request, true);
      }
    } else {
      run(request, false);
    }
  }

  private void run(Started started, boolean inOrder) {
    ChannelHandlerContext ctx = context();
    Request request =
        new Request(started.frame.header(), started.frame.content(), this, ctx.alloc());
    started
        .share
        .lane
        .workers()
        .execute(
            () -> {
              Answer answer = timed(request, started.begun);
              int epoch = core.dispatcher().epoch();
              ctx.executor().execute(() -> finish(started, inOrder, answer, epoch));
            });
  }

  /** In a worker, which may be the first thing that a request has to wait for. */
  private Answer timed(Request request, long begun) {
    SlowRequests.begin();
    long unused = Stage.SHEEP_QUEUE.end(begun);
    RequestEvent event = RequestEvent.started();
    Answer answer = core.dispatcher().answer(request);
    Stage stage = stage(request.header().opcode());
    event.ended(stage);
    long nanos = stage.end(begun);
    if (SlowRequests.isSlow(nanos)) {
      SlowRequests.tell(
          stage, nanos, () -> request.header() + " of " + context().channel().remoteAddress());
    }
    return answer;
  }

  private static Stage stage(@Nullable Opcode opcode) {
    if (opcode == null) {
      return Stage.SHEEP_OTHER;
    }
    return switch (opcode) {
      case READ_OBJ -> Stage.SHEEP_READ;
      case WRITE_OBJ, CREATE_AND_WRITE_OBJ, DISCARD_OBJ -> Stage.SHEEP_WRITE;
      case FLUSH_VDI -> Stage.SHEEP_FLUSH;
      default -> Lanes.isBetweenSheep(opcode) ? Stage.PEER_SERVED : Stage.SHEEP_OTHER;
    };
  }

  private void finish(Started started, boolean inOrder, Answer answer, int epoch) {
    RequestHeader header = started.frame.header();
    long length = answer.body().readableBytes();
    ResponseHeader response =
        ResponseHeader.to(header, epoch, answer.result(), length, answer.fields());
    started.frame.release();
    ChannelFuture written = context().writeAndFlush(new ResponseFrame(response, answer.body()));
    ChannelFuture unused =
        written.addListener(
            done -> {
              ended(started);
              core.end(header, done.isSuccess() ? length : 0);
              resume();
            });
    if (inOrder) {
      ordered.remove();
      nextInOrder();
    }
  }

  private void nextInOrder() {
    Started next = ordered.peek();
    if (closed) {
      while (next != null) {
        ordered.remove();
        next.frame.release();
        ended(next);
        core.end(next.frame.header(), 0);
        next = ordered.peek();
      }
      core.releaseLeases(this);
    } else if (next != null) {
      run(next, true);
    }
  }

  private void ended(Started started) {
    giveBack(started.share);
  }

  private void giveBack(Share share) {
    running--;
    takenBytes -= share.bytes;
    share.lane.budget().giveBack(share.bytes);
  }

  @Override
  public void abandon() {
    ChannelFuture unused = context().close();
  }

  /** Starts nothing any more; what is running ends. */
  void drain() {
    context().executor().execute(this::stop);
  }

  private void stop() {
    closed = true;
    context().channel().config().setAutoRead(false);
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    resume();
    ctx.fireChannelWritabilityChanged();
  }

  /** A lock that is being taken would outlive the connection, so that has to end first. */
  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    stop();
    cancelDeadline();
    Share share = arriving;
    if (share != null) {
      arriving = null;
      giveBack(share);
    }
    if (ordered.isEmpty()) {
      core.releaseLeases(this);
    }
    core.disconnected(this);
    ctx.fireChannelInactive();
  }

  /** A client between requests may be silent for ever; one within a request may not. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof SslHandshakeCompletionEvent tls && tls.isSuccess()) {
      certificateName =
          CertificateName.of(ctx.pipeline().get(SslHandler.class).engine().getSession());
    }
    boolean reading = ctx.channel().config().isAutoRead();
    if (event instanceof IdleStateEvent && reading && traffic.receivedBytes() != consumedBytes) {
      log.warn("{} stopped in the middle of a request; closing", ctx.channel().remoteAddress());
      reset(ctx);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof WriteTimeoutException) {
      log.warn("{} does not read its answers; closing", ctx.channel().remoteAddress());
      reset(ctx);
      return;
    } else if (cause instanceof DecoderException && cause.getCause() instanceof SSLException tls) {
      log.warn("{} is refused: TLS: {}", ctx.channel().remoteAddress(), tls.getMessage());
    } else if (cause instanceof IOException) {
      log.debug("{} is gone: {}", ctx.channel().remoteAddress(), cause.toString());
    } else if (cause instanceof TooLongFrameException) {
      log.warn("{}: {}; closing", ctx.channel().remoteAddress(), cause.getMessage());
    } else {
      log.error("{}: closing", ctx.channel().remoteAddress(), cause);
    }
    ChannelFuture unused = ctx.close();
  }
}
