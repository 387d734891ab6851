package io.sheepfs.store.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.sheepfs.protocol.RequestHeader;
import java.nio.ByteBuffer;

/**
 * A request on its way to a handler.
 *
 * @param body released by whoever runs the handler, when it is done
 * @param connection where it came from; leases are owned by it
 */
record Request(RequestHeader header, ByteBuf body, Object connection, ByteBufAllocator allocator) {

  /** The body, without a copy where it lies in one piece. */
  ByteBuffer bytes() {
    return body.nioBuffer();
  }
}
