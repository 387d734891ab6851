package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.sheepfs.protocol.ResponseHeader;
import java.nio.ByteBuffer;

/** The client's reading side: bytes to {@link ResponseFrame}s. */
public final class ResponseDecoder extends FrameDecoder<ResponseHeader> {

  /**
   * Makes a decoder, for one channel.
   *
   * @param maxBodyBytes the longest body that is taken
   */
  public ResponseDecoder(long maxBodyBytes) {
    super(maxBodyBytes);
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
