package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.TooLongFrameException;
import io.sheepfs.protocol.HeaderLayout;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a stream of bytes into headers and bodies, at most one copy from the socket's buffer to the
 * body's. A body that came in one piece is handed on as a slice of what was read; one that comes in
 * pieces is gathered in a buffer of its length, which is allocated only after the length was
 * checked.
 *
 * <p>After each header the decoder asks whether it may go on; while it may not, it keeps what it
 * has read, and its owner reads no more from the channel.
 *
 * <p>A body over the limit is answered with a {@link TooLongFrameException} to the pipeline and the
 * end of the connection: behind it, no header can be found again.
 *
 * <p>Confined to the channel's event loop; one instance per channel.
 *
 * @param <H> the header
 */
abstract class FrameDecoder<H> extends ChannelInboundHandlerAdapter {

  private final long maxBodyBytes;
  private final ByteBuffer headerBytes = ByteBuffer.allocate(HeaderLayout.SIZE_BYTES);

  /** The header whose body is being gathered; null between frames. */
  private @Nullable H header;

  /** What was read and not yet decoded; empty unless the decoder may not go on. */
  private final Deque<ByteBuf> held = new ArrayDeque<>();

  private @Nullable ByteBuf body;
  private int bodyLength;
  private boolean admitted;
  private boolean broken;

  FrameDecoder(long maxBodyBytes) {
    if (maxBodyBytes < 0 || maxBodyBytes > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("not a limit for a body: " + maxBodyBytes);
    }
    this.maxBodyBytes = maxBodyBytes;
  }

  abstract H decodeHeader(ByteBuffer bytes);

  abstract long bodyLength(H header);

  /** The longest body that {@code header} may have; less than the limit of the connection. */
  long maxBodyBytes(H header) {
    return maxBodyBytes;
  }

  /** Where to gather a body that comes in pieces: room for exactly {@code length} bytes. */
  ByteBuf gatheringBuffer(ChannelHandlerContext ctx, H header, int length) {
    return ctx.alloc().buffer(length, length);
  }

  abstract Object frame(H header, ByteBuf body);

  /**
   * Whether what belongs to {@code header} may be gathered now. If not, {@link #resume} follows.
   */
  boolean admit(H header) {
    return true;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    held.add((ByteBuf) message);
    resume(ctx);
  }

  /** Decodes what can be decoded. On the channel's event loop. */
  public final void resume(ChannelHandlerContext ctx) {
    while (!broken) {
      H known = header;
      if (known != null) {
        if (!admitted && !admit(known)) {
          return;
        }
        admitted = true;
        if (bodyLength == 0) {
          emit(ctx, Unpooled.EMPTY_BUFFER);
          continue;
        }
      }
      ByteBuf in = held.peek();
      if (in == null) {
        return;
      }
      if (!in.isReadable()) {
        held.remove().release();
      } else if (known == null) {
        readHeader(ctx, in);
      } else {
        readBody(ctx, known, in);
      }
    }
    dropHeld();
  }

  private void readBody(ChannelHandlerContext ctx, H known, ByteBuf in) {
    int missing = bodyLength - (body == null ? 0 : body.readableBytes());
    if (body == null && in.readableBytes() >= missing) {
      emit(ctx, in.readRetainedSlice(missing));
      return;
    }
    if (body == null) {
      body = gatheringBuffer(ctx, known, bodyLength);
    }
    body.writeBytes(in, Math.min(missing, in.readableBytes()));
    if (body.readableBytes() == bodyLength) {
      ByteBuf whole = body;
      body = null;
      emit(ctx, whole);
    }
  }

  private void readHeader(ChannelHandlerContext ctx, ByteBuf in) {
    int count = Math.min(headerBytes.remaining(), in.readableBytes());
    int limit = headerBytes.limit();
    headerBytes.limit(headerBytes.position() + count);
    in.readBytes(headerBytes);
    headerBytes.limit(limit);
    if (headerBytes.hasRemaining()) {
      return;
    }
    H decoded = decodeHeader(headerBytes.flip());
    headerBytes.clear();
    long length = bodyLength(decoded);
    long allowed = Math.min(maxBodyBytes, maxBodyBytes(decoded));
    if (length > allowed) {
      broken = true;
      ctx.fireExceptionCaught(
          new TooLongFrameException(
              decoded + " has a body of " + length + " bytes; at most " + allowed + " are taken"));
      ChannelFuture unused = ctx.close();
      return;
    }
    header = decoded;
    bodyLength = (int) length;
    admitted = false;
  }

  private void emit(ChannelHandlerContext ctx, ByteBuf whole) {
    H complete = header;
    header = null;
    if (complete == null) {
      throw new IllegalStateException("a body without a header");
    }
    ctx.fireChannelRead(frame(complete, whole));
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    drop();
    ctx.fireChannelInactive();
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    drop();
  }

  private void drop() {
    broken = true;
    header = null;
    if (body != null) {
      body.release();
      body = null;
    }
    dropHeld();
  }

  private void dropHeld() {
    while (!held.isEmpty()) {
      held.remove().release();
    }
  }
}
