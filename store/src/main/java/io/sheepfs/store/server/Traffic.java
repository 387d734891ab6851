package io.sheepfs.store.server;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/** Counts what comes from the socket, so that half a request can be told from none. */
final class Traffic extends ChannelInboundHandlerAdapter {

  private long receivedBytes;

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    receivedBytes += ((ByteBuf) message).readableBytes();
    ctx.fireChannelRead(message);
  }

  long receivedBytes() {
    return receivedBytes;
  }
}
