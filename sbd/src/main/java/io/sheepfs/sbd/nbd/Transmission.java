package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.timeout.IdleStateEvent;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The second part of a connection: requests to one export. They run at the same time and are
 * answered in whatever order they end.
 *
 * <p>A request is judged by its head alone, before any memory is taken for it. One that is refused
 * is answered at once, and the data of a refused write is skipped, not kept. One that is accepted
 * waits until the budgets of the connection and of the server have room for its data or its answer,
 * and holds that room until the answer is written; while it waits, nothing is read. So what a
 * client can occupy is bounded, whatever it sends and however slowly it reads. What is no request
 * at all, or a write of more than the longest payload, ends the connection.
 *
 * <p>Confined to the channel's event loop; {@link #ran} and {@link #failed} are also called by
 * workers.
 */
final class Transmission extends ChannelInboundHandlerAdapter {

  private static final Logger log = LoggerFactory.getLogger(Transmission.class);

  private static final int QUICK_BYTES = 1 << 16;

  private final ServerCore core;
  private final Attachment attachment;
  private final boolean structured;
  private final boolean blockStatus;

  /** Null if what comes is not what was sent: with TLS. */
  private @Nullable PayloadReceiver receiver;

  /** What has come and is not looked at yet; little, for then nothing more is read. */
  private final Deque<ByteBuf> unread = new ArrayDeque<>();

  /** Requests that ran, for the event loop to answer. */
  private final Queue<Request> ran = new ConcurrentLinkedQueue<>();

  private final AtomicBoolean answering = new AtomicBoolean();

  private @Nullable ByteBuf head;

  /** A request that was accepted, but has no memory yet. */
  private @Nullable RequestHeader waiting;

  private boolean waitsForBudget;

  /** Answers can be written, and make room, while we look at what has come. */
  private boolean proceeding;

  /** A write whose data is arriving. */
  private @Nullable Request arriving;

  /** How much of the data of a refused write is still to come. */
  private long toSkip;

  private final Pace reads = new Pace();
  private final Pace writes = new Pace();
  private int underWay;
  private long takenBytes;
  private long unwrittenBytes;
  private boolean ending;
  private boolean detached;
  private long readsInPlace;
  private volatile boolean gone;

  @SuppressWarnings("NullAway.Init")
  private ChannelHandlerContext context;

  @SuppressWarnings("NullAway.Init")
  private Replies replies;

  Transmission(ServerCore core, Attachment attachment, boolean structured, boolean blockStatus) {
    this.core = core;
    this.attachment = attachment;
    this.structured = structured;
    this.blockStatus = blockStatus;
  }

  Attachment attachment() {
    return attachment;
  }

  /** How often data was read straight into the payload that it belongs to. */
  long readsInPlace() {
    return readsInPlace;
  }

  Replies replies() {
    return replies;
  }

  /** Whether nobody waits for answers any more. */
  boolean isGone() {
    return gone;
  }

  boolean answersInChunks(@Nullable Command command) {
    return structured && (command == Command.READ || command == Command.BLOCK_STATUS);
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    context = ctx;
    replies = new Replies(ctx.alloc(), structured);
    head = ctx.alloc().buffer(Wire.REQUEST_BYTES, Wire.REQUEST_BYTES);
    RecvByteBufAllocator allocator = ctx.channel().config().getRecvByteBufAllocator();
    if (allocator instanceof PayloadReceiver payloads
        && ctx.pipeline().get(SslHandler.class) == null) {
      receiver = payloads;
    }
    log.debug("{} uses {}", ctx.channel().remoteAddress(), attachment.name());
  }

  @Override
  @SuppressWarnings("ReferenceEquality") // the very buffer, not its content
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    ByteBuf bytes = (ByteBuf) message;
    Request write = arriving;
    if (write != null && bytes == write.payload()) {
      bytes.release(); // it was read to where it belongs
      readsInPlace++;
      arrived(write);
    } else if (ending) {
      bytes.release();
    } else {
      unread.add(bytes);
    }
    proceed();
  }

  /** Looks at what has come, as far as there is room for it. */
  private void proceed() {
    if (proceeding) {
      return;
    }
    proceeding = true;
    boolean room = true;
    while (!ending) {
      room = startWaiting();
      ByteBuf bytes = room ? unread.peek() : null;
      if (bytes == null) {
        break;
      }
      consume(bytes);
      if (!bytes.isReadable()) {
        unread.poll();
        bytes.release();
      }
    }
    if (ending) {
      unread.forEach(ByteBuf::release);
      unread.clear();
    }
    PayloadReceiver payloads = receiver;
    if (payloads != null) {
      payloads.setTarget(arriving == null ? null : arriving.payload());
    }
    context.channel().config().setAutoRead(!ending && room);
    proceeding = false;
  }

  private void consume(ByteBuf bytes) {
    Request write = arriving;
    ByteBuf header = head;
    if (toSkip > 0) {
      int count = (int) Math.min(toSkip, bytes.readableBytes());
      bytes.skipBytes(count);
      toSkip -= count;
    } else if (write != null && write.payload() != null) {
      ByteBuf payload = write.payload();
      payload.writeBytes(bytes, Math.min(bytes.readableBytes(), payload.writableBytes()));
      arrived(write);
    } else if (header != null) {
      bytes.readBytes(header, Math.min(bytes.readableBytes(), header.writableBytes()));
      if (!header.isWritable()) {
        RequestHeader request = RequestHeader.decode(header);
        header.clear();
        judge(request);
      }
    } else {
      bytes.skipBytes(bytes.readableBytes());
    }
  }

  private void arrived(Request write) {
    ByteBuf payload = write.payload();
    if (payload != null && !payload.isWritable()) {
      arriving = null;
      carryOut(write);
    }
  }

  /**
   * Runs a request: here, if it is a small one that needs no network and waits for no force, and
   * such requests were quick lately; then handing it to a worker and back would take longer than
   * the request itself. Else in a worker.
   */
  private void carryOut(Request request) {
    Pace pace = paceOf(request);
    if (pace == null || !pace.isQuick()) {
      core.workers().execute(request);
      return;
    }
    long start = System.nanoTime();
    try {
      request.run();
    } catch (RuntimeException e) {
      log.error("{}: {} at {} met a defect", attachment.name(), request.command, request.offset, e);
    }
    pace.took(System.nanoTime() - start);
  }

  /** The pace of requests like this one; null if they are never run here. */
  private @Nullable Pace paceOf(Request request) {
    if (!core.quickObjects() || request.length > QUICK_BYTES) {
      return null;
    }
    return switch (request.command) {
      case READ -> reads;
      case WRITE -> (request.flags & Wire.FUA) == 0 ? writes : null;
      default -> null;
    };
  }

  /** Notices requests that had to wait for a disk or for each other, and hands the next ones on. */
  private static final class Pace {
    private static final long QUICK_NANOS = 300_000;
    private static final int HANDED_ON = 64;

    private int toHandOn;

    boolean isQuick() {
      if (toHandOn > 0) {
        toHandOn--;
        return false;
      }
      return true;
    }

    void took(long nanos) {
      if (nanos > QUICK_NANOS) {
        toHandOn = HANDED_ON;
      }
    }
  }

  private void judge(RequestHeader request) {
    Command command = Command.of(request.command());
    if (request.magic() != Wire.REQUEST_MAGIC) {
      refuse("not a request");
    } else if (command == Command.DISCONNECT) {
      end();
    } else if (command == Command.WRITE && request.length() > core.limits().maxPayloadBytes()) {
      refuse("a write of " + request.length() + " bytes");
    } else {
      NbdError error = verdict(request, command);
      if (error == NbdError.NONE) {
        waiting = request;
      } else {
        toSkip = command == Command.WRITE ? request.length() : 0;
        answerError(request, command, error);
      }
    }
  }

  private NbdError verdict(RequestHeader request, @Nullable Command command) {
    if (command == null || !command.allows(request.flags())) {
      return NbdError.INVALID;
    }
    if (command.isChanging() && attachment.isReadOnly()) {
      return NbdError.NOT_PERMITTED;
    }
    if (command == Command.FLUSH) {
      return NbdError.NONE;
    }
    if (!request.isInside(attachment.sizeBytes())) {
      boolean writes = command == Command.WRITE || command == Command.WRITE_ZEROES;
      return writes ? NbdError.NO_SPACE : NbdError.INVALID;
    }
    boolean wrong =
        switch (command) {
          case READ ->
              request.length() > core.limits().maxPayloadBytes()
                  || (!structured && (request.flags() & Wire.DONT_FRAGMENT) != 0);
          case BLOCK_STATUS -> !blockStatus || request.length() == 0;
          default -> false;
        };
    return wrong ? NbdError.INVALID : NbdError.NONE;
  }

  private void answerError(RequestHeader request, @Nullable Command command, NbdError error) {
    ByteBuf reply;
    if (answersInChunks(command)) {
      reply = replies.error(request.cookie(), error, "refused");
    } else {
      reply = context.alloc().directBuffer(Wire.SIMPLE_REPLY_BYTES);
      Replies.simple(reply, request.cookie(), error);
    }
    // counted like any other answer, so that a client that only makes mistakes is slowed down, too
    underWay++;
    write(reply, 1, 0);
    context.flush();
  }

  private void refuse(String why) {
    log.warn("{} sent {}; closing", context.channel().remoteAddress(), why);
    ending = true;
    ChannelFuture unused = context.close();
  }

  /** The client wants no more: what is under way ends, then the connection does. */
  void end() {
    ending = true;
    closeWhenDone();
  }

  private void closeWhenDone() {
    if (underWay == 0) {
      ChannelFuture unused = context.close();
    }
  }

  private long bytesOf(RequestHeader request) {
    long objectBytes = attachment.volume().info().objectSizeBytes();
    long bytes =
        switch (request.command()) {
          case 0, 1 -> request.length();
          case 7 -> Replies.blockStatusBytes(request.length(), objectBytes);
          default -> 0;
        };
    return Math.min(bytes + 2 * Wire.REQUEST_BYTES, core.limits().maxTotalBytes());
  }

  /** Starts the request that waits, if there is room; returns whether there is for more. */
  private boolean startWaiting() {
    RequestHeader request = waiting;
    if (request == null) {
      return underWay < core.limits().maxRequestsPerConnection() || toSkip > 0 || arriving != null;
    }
    Command command = Command.of(request.command());
    long bytes = bytesOf(request);
    if (waitsForBudget
        || command == null
        || (underWay > 0
            && (underWay >= core.limits().maxRequestsPerConnection()
                || takenBytes + bytes > core.limits().maxConnectionBytes()))) {
      return false;
    }
    if (!core.budget().tryTake(bytes, this::budgetFreed)) {
      waitsForBudget = true;
      return false;
    }
    waiting = null;
    underWay++;
    takenBytes += bytes;
    int length = (int) request.length();
    ByteBuf payload =
        command == Command.WRITE ? context.alloc().directBuffer(length, length) : null;
    Request started = new Request(this, request, command, bytes, payload);
    if (payload != null && length > 0) {
      arriving = started;
    } else {
      carryOut(started);
    }
    return true;
  }

  private void budgetFreed() {
    context
        .executor()
        .execute(
            () -> {
              waitsForBudget = false;
              if (!gone) {
                proceed();
              }
            });
  }

  /** Called by the worker that ran the request. */
  void ran(Request request) {
    ran.add(request);
    if (answering.compareAndSet(false, true)) {
      context.executor().execute(this::answerAll);
    }
  }

  /** Called by the worker before {@link #ran}. */
  void failed(Request request, IOException failure) {
    log.warn(
        "{}: {} of {} bytes at {} failed",
        attachment.name(),
        request.command,
        request.length,
        request.offset,
        failure);
  }

  private void answerAll() {
    answering.set(false);
    ByteBuf simple = null;
    int simpleCount = 0;
    long simpleBytes = 0;
    for (Request request = ran.poll(); request != null; request = ran.poll()) {
      request.releasePayload();
      ByteBuf reply = request.takeReply();
      if (reply != null) {
        write(reply, 1, request.bytes);
        continue;
      }
      if (simple == null) {
        simple = context.alloc().directBuffer(16 * Wire.SIMPLE_REPLY_BYTES);
      }
      if (answersInChunks(request.command)) {
        ByteBuf error = replies.error(request.cookie, request.error(), "internal error");
        simple.writeBytes(error);
        error.release();
      } else {
        Replies.simple(simple, request.cookie, request.error());
      }
      simpleCount++;
      simpleBytes += request.bytes;
    }
    if (simple != null) {
      write(simple, simpleCount, simpleBytes);
    }
    context.flush();
  }

  /** Writes answers, and gives back what their requests took when the socket has them. */
  private void write(ByteBuf bytes, int requests, long taken) {
    int size = bytes.readableBytes();
    unwrittenBytes += size;
    ChannelFuture unused =
        context
            .write(bytes)
            .addListener(
                done -> {
                  unwrittenBytes -= size;
                  ended(requests, taken);
                });
  }

  private void ended(int requests, long taken) {
    underWay -= requests;
    takenBytes -= taken;
    if (taken > 0) {
      core.budget().giveBack(taken);
    }
    if (gone) {
      detachWhenDone();
    } else if (ending) {
      closeWhenDone();
    } else {
      proceed();
    }
  }

  private void detachWhenDone() {
    if (underWay == 0 && !detached) {
      detached = true;
      core.workers().execute(attachment::detach);
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    gone = true;
    ending = true;
    waiting = null;
    proceed(); // drops what is unread
    if (head != null) {
      head.release();
      head = null;
    }
    Request cut = arriving;
    if (cut != null) {
      arriving = null;
      cut.releasePayload();
      ended(1, cut.bytes);
    }
    detachWhenDone();
    ctx.fireChannelInactive();
  }

  /** A client between requests may be silent for ever; one within a request may not. */
  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (!(event instanceof IdleStateEvent idle)) {
      ctx.fireUserEventTriggered(event);
      return;
    }
    boolean stalled =
        switch (idle.state()) {
          case READER_IDLE -> arriving != null || toSkip > 0 || (head != null && head.isReadable());
          case WRITER_IDLE -> unwrittenBytes > 0;
          case ALL_IDLE -> false;
        };
    if (stalled) {
      log.warn("{} stopped in the middle; closing", ctx.channel().remoteAddress());
      ending = true;
      ChannelFuture unused = ctx.close();
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    logFailure(log, ctx, cause);
    ending = true;
    ChannelFuture unused = ctx.close();
  }

  /** Says why a connection breaks, as loudly as it deserves. */
  static void logFailure(Logger log, ChannelHandlerContext ctx, Throwable cause) {
    if (cause instanceof IOException) {
      log.debug("{} is gone: {}", ctx.channel().remoteAddress(), cause.toString());
    } else if (cause instanceof DecoderException) {
      log.warn("{}: {}; closing", ctx.channel().remoteAddress(), cause.getMessage());
    } else {
      log.error("{}: closing", ctx.channel().remoteAddress(), cause);
    }
  }
}
