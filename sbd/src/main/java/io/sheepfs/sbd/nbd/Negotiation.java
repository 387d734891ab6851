package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.util.concurrent.ScheduledFuture;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.tls.AllowList.Grant;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.protocol.tls.CertificateName;
import io.sheepfs.sbd.nbd.OptionRequest.MalformedException;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The first part of a connection: the client asks what there is and chooses an export.
 *
 * <p>Options are answered one after the other. While one is being answered, or the client does not
 * read, nothing is read from it. What is no option at all ends the connection; an option that is
 * unknown or malformed gets an error, and the next one its chance. A server with TLS answers
 * nothing else before the client has started it, and forgets nothing into it: bytes that came in
 * the clear behind the request to start end the connection.
 *
 * <p>Confined to the channel's event loop, but for what runs in the workers.
 */
final class Negotiation extends ByteToMessageDecoder {

  private static final Logger log = LoggerFactory.getLogger(Negotiation.class);

  /** A name or some queries, each not longer than a string may be. */
  private static final int MAX_OPTION_BYTES = 1 << 16;

  private final ServerCore core;
  private boolean greeted;
  private boolean omitsZeroes;
  private boolean encrypted;
  private boolean structured;

  /** The export whose allocation the client wants to ask for. */
  private @Nullable String contextsOf;

  /** While an option is being answered, or when nothing more is. */
  private boolean busy;

  private boolean gone;
  private @Nullable ScheduledFuture<?> deadline;

  Negotiation(ServerCore core) {
    this.core = core;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext ctx) {
    if (ctx.channel().isActive()) {
      greet(ctx);
    }
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    greet(ctx);
    ctx.fireChannelActive();
  }

  private void greet(ChannelHandlerContext ctx) {
    if (deadline != null) {
      return;
    }
    long millis = core.limits().negotiationTimeout().toMillis();
    deadline = ctx.executor().schedule(() -> tooSlow(ctx), millis, TimeUnit.MILLISECONDS);
    ByteBuf greeting = ctx.alloc().buffer(2 * Long.BYTES + Short.BYTES);
    greeting.writeLong(Wire.INIT_MAGIC).writeLong(Wire.OPTION_MAGIC);
    greeting.writeShort(Wire.FIXED_NEWSTYLE | Wire.NO_ZEROES);
    ChannelFuture unused = ctx.writeAndFlush(greeting);
  }

  private void tooSlow(ChannelHandlerContext ctx) {
    log.warn("{} did not choose an export in time; closing", ctx.channel().remoteAddress());
    end(ctx);
  }

  private void end(ChannelHandlerContext ctx) {
    busy = true;
    ChannelFuture unused = ctx.close();
  }

  @Override
  protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) {
    if (busy || !ctx.channel().isWritable()) {
      if (in.readableBytes() > MAX_OPTION_BYTES) {
        ctx.channel().config().setAutoRead(false);
      }
      return;
    }
    if (!greeted) {
      flags(ctx, in);
    } else {
      option(ctx, in);
    }
  }

  private void flags(ChannelHandlerContext ctx, ByteBuf in) {
    if (in.readableBytes() < Integer.BYTES) {
      return;
    }
    int flags = in.readInt();
    if ((flags & ~(Wire.FIXED_NEWSTYLE | Wire.NO_ZEROES)) != 0) {
      refuse(ctx, in, "unknown client flags");
      return;
    }
    omitsZeroes = (flags & Wire.NO_ZEROES) != 0;
    greeted = true;
  }

  private void option(ChannelHandlerContext ctx, ByteBuf in) {
    if (in.readableBytes() < Wire.OPTION_HEADER_BYTES) {
      return;
    }
    int start = in.readerIndex();
    int code = in.getInt(start + 8);
    long length = in.getUnsignedInt(start + 12);
    if (in.getLong(start) != Wire.OPTION_MAGIC || length > MAX_OPTION_BYTES) {
      refuse(ctx, in, "not an option");
      return;
    }
    if (in.readableBytes() < Wire.OPTION_HEADER_BYTES + length) {
      return;
    }
    in.skipBytes(Wire.OPTION_HEADER_BYTES);
    ByteBuf data = in.readSlice((int) length);
    Option option = Option.of(code);
    if (option == null) {
      error(ctx, code, Wire.ERROR_UNSUPPORTED, "unknown option");
      return;
    }
    try {
      answer(ctx, option, data, in);
    } catch (MalformedException e) {
      error(ctx, code, Wire.ERROR_INVALID, String.valueOf(e.getMessage()));
    }
  }

  private void answer(ChannelHandlerContext ctx, Option option, ByteBuf data, ByteBuf rest)
      throws MalformedException {
    boolean inTheClear = core.tls() != null && !encrypted;
    if (inTheClear && option != Option.STARTTLS && option != Option.ABORT) {
      if (option == Option.EXPORT_NAME) {
        refuse(ctx, rest, "no TLS");
      } else {
        error(ctx, option.code(), Wire.ERROR_TLS_REQUIRED, "start TLS first");
      }
      return;
    }
    switch (option) {
      case EXPORT_NAME -> attachByName(ctx, OptionRequest.decode(data));
      case ABORT -> abort(ctx);
      case LIST -> list(ctx, data);
      case STARTTLS -> startTls(ctx, data, rest);
      case INFO -> describe(ctx, OptionRequest.Use.decode(data));
      case GO -> attach(ctx, OptionRequest.Use.decode(data));
      case STRUCTURED_REPLY -> structured(ctx, data);
      case LIST_META_CONTEXT -> contexts(ctx, option, OptionRequest.MetaContexts.decode(data));
      case SET_META_CONTEXT -> {
        contextsOf = null;
        contexts(ctx, option, OptionRequest.MetaContexts.decode(data));
      }
    }
  }

  private void refuse(ChannelHandlerContext ctx, ByteBuf in, String why) {
    log.warn("{}: {}; closing", ctx.channel().remoteAddress(), why);
    in.skipBytes(in.readableBytes());
    end(ctx);
  }

  private static void error(ChannelHandlerContext ctx, int option, int type, String message) {
    ByteBuf reply = ctx.alloc().buffer();
    new OptionReplies(reply, option).error(type, message);
    ChannelFuture unused = ctx.writeAndFlush(reply);
  }

  private static void acknowledge(ChannelHandlerContext ctx, Option option) {
    ByteBuf reply = ctx.alloc().buffer();
    new OptionReplies(reply, option.code()).acknowledge();
    ChannelFuture unused = ctx.writeAndFlush(reply);
  }

  private void abort(ChannelHandlerContext ctx) {
    busy = true;
    ByteBuf reply = ctx.alloc().buffer();
    new OptionReplies(reply, Option.ABORT.code()).acknowledge();
    ChannelFuture unused = ctx.writeAndFlush(reply).addListener(ChannelFutureListener.CLOSE);
  }

  private static void checkEmpty(ByteBuf data) throws MalformedException {
    if (data.isReadable()) {
      throw new MalformedException("this option has no data");
    }
  }

  private void structured(ChannelHandlerContext ctx, ByteBuf data) throws MalformedException {
    checkEmpty(data);
    structured = true;
    acknowledge(ctx, Option.STRUCTURED_REPLY);
  }

  private void startTls(ChannelHandlerContext ctx, ByteBuf data, ByteBuf rest)
      throws MalformedException {
    checkEmpty(data);
    SslContext tls = core.tls();
    if (tls == null) {
      error(ctx, Option.STARTTLS.code(), Wire.ERROR_POLICY, "this server has no certificate");
    } else if (encrypted) {
      error(ctx, Option.STARTTLS.code(), Wire.ERROR_INVALID, "TLS is on already");
    } else if (rest.isReadable()) {
      refuse(ctx, rest, "bytes in the clear behind STARTTLS");
    } else {
      encrypted = true;
      structured = false;
      contextsOf = null;
      // the first thing written, which is our answer, still goes out in the clear
      ctx.pipeline().addFirst(new SslHandler(tls.newEngine(ctx.alloc()), true));
      acknowledge(ctx, Option.STARTTLS);
    }
  }

  /** What the client's certificate allows; null for everything. */
  private @Nullable Grant grant(ChannelHandlerContext ctx) {
    AllowListFile allowed = core.allowed();
    if (allowed == null) {
      return null;
    }
    SslHandler tls = ctx.pipeline().get(SslHandler.class);
    String name = tls == null ? "" : CertificateName.of(tls.engine().getSession());
    return allowed.current().of(name);
  }

  private interface Work {
    /** Runs in a worker. What it throws is answered as an error. */
    Runnable run() throws IOException;
  }

  /** Answers one option elsewhere, and goes on with the next one afterwards. */
  private void later(ChannelHandlerContext ctx, Option option, Work work) {
    busy = true;
    core.workers()
        .execute(
            () -> {
              Runnable answer = () -> end(ctx);
              try {
                answer = work.run();
              } catch (IOException e) {
                answer = () -> failed(ctx, option, e);
              } finally {
                Runnable step = answer;
                ctx.executor().execute(() -> resume(ctx, step));
              }
            });
  }

  private void resume(ChannelHandlerContext ctx, Runnable answer) {
    busy = false;
    answer.run();
    if (!ctx.isRemoved() && !gone) {
      proceed(ctx);
    }
  }

  /** Looks at what has come meanwhile. */
  private void proceed(ChannelHandlerContext ctx) {
    ctx.channel().config().setAutoRead(true);
    try {
      channelRead(ctx, Unpooled.EMPTY_BUFFER);
    } catch (Exception e) {
      exceptionCaught(ctx, e);
    }
  }

  private void failed(ChannelHandlerContext ctx, Option option, IOException failure) {
    String name = String.valueOf(failure.getMessage());
    log.info("{} cannot have what it wants: {}", ctx.channel().remoteAddress(), name);
    if (option == Option.EXPORT_NAME) {
      end(ctx);
      return;
    }
    int type = Wire.ERROR_PLATFORM;
    if (failure instanceof SheepException refused) {
      ResultCode result = refused.result();
      if (result == ResultCode.NO_VDI || result == ResultCode.NO_TAG) {
        type = Wire.ERROR_UNKNOWN;
      } else if (result == ResultCode.VDI_LOCKED || result == ResultCode.NOT_ALLOWED) {
        type = Wire.ERROR_POLICY;
      }
    }
    error(ctx, option.code(), type, name);
  }

  private void list(ChannelHandlerContext ctx, ByteBuf data) throws MalformedException {
    checkEmpty(data);
    later(
        ctx,
        Option.LIST,
        () -> {
          List<String> names = core.exports().names(grant(ctx));
          return () -> {
            ByteBuf reply = ctx.alloc().buffer();
            new OptionReplies(reply, Option.LIST.code()).servers(names);
            ChannelFuture unused = ctx.writeAndFlush(reply);
          };
        });
  }

  private void describe(ChannelHandlerContext ctx, OptionRequest.Use use) {
    later(
        ctx,
        Option.INFO,
        () -> {
          Exports.Description export = core.exports().describe(use.name(), grant(ctx));
          return () -> export(ctx, Option.INFO, export);
        });
  }

  private void export(ChannelHandlerContext ctx, Option option, Exports.Description export) {
    ByteBuf reply = ctx.alloc().buffer();
    new OptionReplies(reply, option.code())
        .export(
            export.name(),
            export.sizeBytes(),
            flags(export.readOnly()),
            core.limits().maxPayloadBytes());
    ChannelFuture unused = ctx.writeAndFlush(reply);
  }

  private int flags(boolean readOnly) {
    int flags =
        Wire.HAS_FLAGS
            | Wire.SEND_FLUSH
            | Wire.SEND_FUA
            | Wire.CAN_MULTI_CONN
            | Wire.SEND_CACHE
            | (structured ? Wire.SEND_DF : 0);
    return flags
        | (readOnly
            ? Wire.READ_ONLY
            : Wire.SEND_TRIM | Wire.SEND_WRITE_ZEROES | Wire.SEND_FAST_ZERO);
  }

  private void contexts(
      ChannelHandlerContext ctx, Option option, OptionRequest.MetaContexts request)
      throws MalformedException {
    boolean set = option == Option.SET_META_CONTEXT;
    if (!structured) {
      throw new MalformedException("ask for structured replies first");
    }
    boolean matches = !set && request.queries().isEmpty();
    for (String query : request.queries()) {
      matches |= query.equals(Wire.BASE_ALLOCATION) || (!set && query.equals(Wire.BASE_NAMESPACE));
    }
    boolean found = matches;
    later(
        ctx,
        option,
        () -> {
          core.exports().describe(request.name(), grant(ctx));
          return () -> {
            ByteBuf reply = ctx.alloc().buffer();
            OptionReplies replies = new OptionReplies(reply, option.code());
            if (found) {
              replies.allocationContext(set ? Wire.BASE_ALLOCATION_ID : 0);
            }
            if (set && found) {
              contextsOf = request.name();
            }
            replies.acknowledge();
            ChannelFuture unused = ctx.writeAndFlush(reply);
          };
        });
  }

  private void attach(ChannelHandlerContext ctx, OptionRequest.Use use) {
    later(
        ctx,
        Option.GO,
        () -> {
          Attachment attachment = core.exports().attach(use.name(), grant(ctx));
          return () -> {
            if (isTooLate(attachment)) {
              return;
            }
            export(
                ctx,
                Option.GO,
                new Exports.Description(
                    attachment.name(), attachment.sizeBytes(), attachment.isReadOnly()));
            transmit(ctx, attachment, use.name().equals(contextsOf));
          };
        });
  }

  /** The old way to choose an export, which knows no errors. */
  private void attachByName(ChannelHandlerContext ctx, String name) {
    later(
        ctx,
        Option.EXPORT_NAME,
        () -> {
          Attachment attachment = core.exports().attach(name, grant(ctx));
          return () -> {
            if (isTooLate(attachment)) {
              return;
            }
            ByteBuf reply = ctx.alloc().buffer();
            reply.writeLong(attachment.sizeBytes()).writeShort(flags(attachment.isReadOnly()));
            reply.writeZero(omitsZeroes ? 0 : Wire.EXPORT_NAME_PADDING_BYTES);
            ChannelFuture unused = ctx.writeAndFlush(reply);
            transmit(ctx, attachment, name.equals(contextsOf));
          };
        });
  }

  private boolean isTooLate(Attachment attachment) {
    if (gone) {
      core.workers().execute(attachment::detach);
    }
    return gone;
  }

  private void transmit(ChannelHandlerContext ctx, Attachment attachment, boolean blockStatus) {
    ctx.channel().config().setAutoRead(true);
    Transmission next = new Transmission(core, attachment, structured, structured && blockStatus);
    ctx.pipeline().replace(this, null, next);
  }

  @Override
  protected void handlerRemoved0(ChannelHandlerContext ctx) {
    if (deadline != null) {
      deadline.cancel(false);
    }
  }

  @Override
  public void channelWritabilityChanged(ChannelHandlerContext ctx) {
    if (ctx.channel().isWritable() && !busy) {
      proceed(ctx);
    }
    ctx.fireChannelWritabilityChanged();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) throws Exception {
    gone = true;
    super.channelInactive(ctx);
    if (deadline != null) {
      deadline.cancel(false);
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    Transmission.logFailure(log, ctx, cause);
    end(ctx);
  }
}
