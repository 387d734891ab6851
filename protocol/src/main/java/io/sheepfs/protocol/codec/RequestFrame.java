package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.DefaultByteBufHolder;
import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.RequestHeader;

/**
 * A request with its body, {@link #content()}, empty unless the header has the WRITE flag. Whoever
 * has the frame last releases it.
 */
public final class RequestFrame extends DefaultByteBufHolder {

  private final RequestHeader header;

  /**
   * A frame, which owns {@code body} from now on.
   *
   * @throws IllegalArgumentException if the body is not as long as the header says
   */
  public RequestFrame(RequestHeader header, ByteBuf body) {
    super(body);
    if (body.readableBytes() != header.bodyLength()) {
      throw new IllegalArgumentException(
          header + " with a body of " + body.readableBytes() + " bytes");
    }
    this.header = header;
  }

  /** A request without a body. */
  public RequestFrame(RequestHeader header) {
    this(header, Unpooled.EMPTY_BUFFER);
  }

  /** The header. */
  public RequestHeader header() {
    return header;
  }

  @Override
  public RequestFrame replace(ByteBuf content) {
    return new RequestFrame(header, content);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof RequestFrame that
        && header.equals(that.header)
        && content().equals(that.content());
  }

  @Override
  public int hashCode() {
    return header.hashCode();
  }

  @Override
  public String toString() {
    return header.toString();
  }
}
