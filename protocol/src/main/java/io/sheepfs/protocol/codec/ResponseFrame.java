package io.sheepfs.protocol.codec;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.DefaultByteBufHolder;
import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.ResponseHeader;

/** A response with its body, {@link #content()}. Whoever has the frame last releases it. */
public final class ResponseFrame extends DefaultByteBufHolder {

  private final ResponseHeader header;

  /**
   * A frame, which owns {@code body} from now on.
   *
   * @throws IllegalArgumentException if the body is not as long as the header says
   */
  public ResponseFrame(ResponseHeader header, ByteBuf body) {
    super(body);
    if (body.readableBytes() != header.dataLength()) {
      throw new IllegalArgumentException(
          header + " with a body of " + body.readableBytes() + " bytes");
    }
    this.header = header;
  }

  /** A response without a body. */
  public ResponseFrame(ResponseHeader header) {
    this(header, Unpooled.EMPTY_BUFFER);
  }

  /** The header. */
  public ResponseHeader header() {
    return header;
  }

  @Override
  public ResponseFrame replace(ByteBuf content) {
    return new ResponseFrame(header, content);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ResponseFrame that
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
