package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.MessageToMessageEncoder;
import io.sheepfs.protocol.HeaderLayout;
import java.util.List;

/**
 * The server's writing side: {@link ResponseFrame}s to bytes. The body is passed on as it is, not
 * copied behind the header: the socket gathers the two.
 */
@Sharable
public final class ResponseEncoder extends MessageToMessageEncoder<ResponseFrame> {

  /** Makes an encoder, for any number of channels. */
  public ResponseEncoder() {
    super(ResponseFrame.class);
  }

  @Override
  protected void encode(ChannelHandlerContext ctx, ResponseFrame frame, List<Object> out) {
    ByteBuf header = ctx.alloc().ioBuffer(HeaderLayout.SIZE_BYTES, HeaderLayout.SIZE_BYTES);
    frame.header().encode(header.internalNioBuffer(0, HeaderLayout.SIZE_BYTES));
    out.add(header.writerIndex(HeaderLayout.SIZE_BYTES));
    if (frame.content().isReadable()) {
      out.add(frame.content().retain());
    }
  }
}
