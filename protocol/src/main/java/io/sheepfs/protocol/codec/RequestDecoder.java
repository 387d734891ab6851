package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.sheepfs.protocol.RequestHeader;
import java.nio.ByteBuffer;
import java.util.function.Predicate;

/** The server's reading side: bytes to {@link RequestFrame}s. */
public final class RequestDecoder extends FrameDecoder<RequestHeader> {

  private final Predicate<RequestHeader> admission;

  /**
   * Makes a decoder, for one channel, that takes every request.
   *
   * @param maxBodyBytes the longest body that is taken
   */
  public RequestDecoder(long maxBodyBytes) {
    this(maxBodyBytes, header -> true);
  }

  /**
   * Makes a decoder, for one channel.
   *
   * @param maxBodyBytes the longest body that is taken
   * @param admission asked after each header, before anything is allocated for the body. While it
   *     says no, nothing is decoded; it is asked again at each {@link #resume} and read
   */
  public RequestDecoder(long maxBodyBytes, Predicate<RequestHeader> admission) {
    super(maxBodyBytes);
    this.admission = admission;
  }

  @Override
  boolean admit(RequestHeader header) {
    return admission.test(header);
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
