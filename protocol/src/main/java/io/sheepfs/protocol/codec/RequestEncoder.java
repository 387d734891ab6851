package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.MessageToMessageEncoder;
import io.sheepfs.protocol.HeaderLayout;
import java.util.List;

/**
 * The client's writing side: {@link RequestFrame}s to bytes. The body is passed on as it is, not
 * copied behind the header: the socket gathers the two.
 */
@Sharable
public final class RequestEncoder extends MessageToMessageEncoder<RequestFrame> {

  /** Makes an encoder, for any number of channels. */
  public RequestEncoder() {
    super(RequestFrame.class);
  }

  @Override
  protected void encode(ChannelHandlerContext ctx, RequestFrame frame, List<Object> out) {
    ByteBuf header = ctx.alloc().ioBuffer(HeaderLayout.SIZE_BYTES, HeaderLayout.SIZE_BYTES);
    frame.header().encode(header.internalNioBuffer(0, HeaderLayout.SIZE_BYTES));
    out.add(header.writerIndex(HeaderLayout.SIZE_BYTES));
    if (frame.content().isReadable()) {
      out.add(frame.content().retain());
    }
  }
}
