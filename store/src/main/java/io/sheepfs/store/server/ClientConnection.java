package io.sheepfs.store.server;

import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.TooLongFrameException;
import io.netty.handler.timeout.IdleStateEvent;
import io.netty.handler.timeout.WriteTimeoutException;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.codec.RequestFrame;
import io.sheepfs.protocol.codec.ResponseFrame;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client. Its requests run at the same time and are answered in whatever order they end, but
 * for cluster operations, which run one after the other.
 *
 * <p>A request is started when the budgets of the connection and of the server have room for its
 * body and its answer; until its answer is written, that room is taken. While requests wait, or the
 * client does not read, nothing more is read from it. So what a client can occupy is bounded,
 * whatever it sends and however slowly it reads.
 *
 * <p>Confined to the channel's event loop; only {@link Dispatcher#answer} runs elsewhere.
 */
final class ClientConnection extends ChannelDuplexHandler {

  private static final Logger log = LoggerFactory.getLogger(ClientConnection.class);

  private final ServerCore core;
  private final Traffic traffic;

  /** Requests that are complete but not started. What one read can bring at most. */
  private final Deque<RequestFrame> waiting = new ArrayDeque<>();

  /** Cluster operations that were started, in order; the first one runs. */
  private final Deque<Started> ordered = new ArrayDeque<>();

  private int running;
  private long takenBytes;
  private long consumedBytes;
  private boolean closed;
  private @Nullable ChannelHandlerContext context;

  /** A request that has its share of the budgets. */
  private record Started(RequestFrame frame, long bytes) {}

  ClientConnection(ServerCore core, Traffic traffic) {
    this.core = core;
    this.traffic = traffic;
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
    waiting.add(frame);
    startWhatFits();
  }

  /** What a request takes at most: its body, and as much answer as the sender has room for. */
  private long bytesOf(RequestHeader header) {
    long bytes = Math.max(header.bodyLength(), header.answerLimit());
    return HeaderLayout.SIZE_BYTES + Math.min(bytes, core.options().maxBodyBytes());
  }

  private void startWhatFits() {
    while (!closed && context().channel().isWritable()) {
      RequestFrame frame = waiting.peek();
      if (frame == null) {
        break;
      }
      long bytes = bytesOf(frame.header());
      if (running > 0
          && (running >= core.options().maxRequestsPerConnection()
              || takenBytes + bytes > core.options().maxConnectionBytes())) {
        break;
      }
      if (!core.budget().tryTake(bytes, this::startLater)) {
        break;
      }
      waiting.remove();
      start(new Started(frame, bytes));
    }
    readOnlyWithRoom();
  }

  private void startLater() {
    context().executor().execute(this::startWhatFits);
  }

  private void readOnlyWithRoom() {
    context()
        .channel()
        .config()
        .setAutoRead(!closed && waiting.isEmpty() && context().channel().isWritable());
  }

  private void start(Started request) {
    running++;
    takenBytes += request.bytes;
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
    core.workers()
        .execute(
            () -> {
              Answer answer = core.dispatcher().answer(request);
              int epoch = core.dispatcher().epoch();
              ctx.executor().execute(() -> finish(started, inOrder, answer, epoch));
            });
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
              startWhatFits();
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
    running--;
    takenBytes -= started.bytes;
    core.budget().giveBack(started.bytes);
  }

  /** Starts nothing any more; what is running ends. */
  void drain() {
    context().executor().execute(this::stop);
  }

  private void stop() {
    closed = true;
    waiting.forEach(RequestFrame::release);
    waiting.clear();
    readOnlyWithRoom();
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    startWhatFits();
    ctx.fireChannelWritabilityChanged();
  }

  /** A lock that is being taken would outlive the connection, so that has to end first. */
  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    stop();
    if (ordered.isEmpty()) {
      core.releaseLeases(this);
    }
    core.disconnected(this);
    ctx.fireChannelInactive();
  }

  /** A client between requests may be silent for ever; one within a request may not. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    boolean reading = ctx.channel().config().isAutoRead();
    if (event instanceof IdleStateEvent && reading && traffic.receivedBytes() != consumedBytes) {
      log.warn("{} stopped in the middle of a request; closing", ctx.channel().remoteAddress());
      ChannelFuture unused = ctx.close();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof WriteTimeoutException) {
      log.warn("{} does not read its answers; closing", ctx.channel().remoteAddress());
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
