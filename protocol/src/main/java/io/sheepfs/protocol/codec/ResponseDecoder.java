package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.sheepfs.protocol.ResponseHeader;
import java.nio.ByteBuffer;

/** The client's reading side: bytes to {@link ResponseFrame}s. */
public class ResponseDecoder extends FrameDecoder<ResponseHeader> {

  /**
   * Makes a decoder, for one channel.
   *
   * @param maxBodyBytes the longest body that is taken
   */
  public ResponseDecoder(long maxBodyBytes) {
    super(maxBodyBytes);
  }

  /**
   * The longest body that an answer may have. A client that knows what it asked for takes no more,
   * so that a sheep cannot make it allocate.
   */
  @Override
  protected long maxBodyBytes(ResponseHeader header) {
    return super.maxBodyBytes(header);
  }

  /**
   * Where to gather a body that comes in pieces. A client that knows where the bytes are wanted
   * saves a copy by wrapping that.
   *
   * @return an empty buffer with room for {@code length} bytes; the decoder releases it, or passes
   *     it on as the frame's content
   */
  @Override
  protected ByteBuf gatheringBuffer(ChannelHandlerContext ctx, ResponseHeader header, int length) {
    return super.gatheringBuffer(ctx, header, length);
  }

  @Override
  ResponseHeader decodeHeader(ByteBuffer bytes) {
    return ResponseHeader.decode(bytes);
  }

  @Override
  long bodyLength(ResponseHeader header) {
    return header.dataLength();
  }

  @Override
  ResponseFrame frame(ResponseHeader header, ByteBuf body) {
    return new ResponseFrame(header, body);
  }
}
