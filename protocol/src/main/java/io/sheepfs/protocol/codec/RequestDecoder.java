package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.sheepfs.protocol.RequestHeader;
import java.nio.ByteBuffer;

/** The server's reading side: bytes to {@link RequestFrame}s. */
public final class RequestDecoder extends FrameDecoder<RequestHeader> {

  /**
   * Makes a decoder, for one channel.
   *
   * @param maxBodyBytes the longest body that is taken
   */
  public RequestDecoder(long maxBodyBytes) {
    super(maxBodyBytes);
  }

  @Override
  RequestHeader decodeHeader(ByteBuffer bytes) {
    return RequestHeader.decode(bytes);
  }

  @Override
  long bodyLength(RequestHeader header) {
    return header.bodyLength();
  }

  @Override
  RequestFrame frame(RequestHeader header, ByteBuf body) {
    return new RequestFrame(header, body);
  }
}
