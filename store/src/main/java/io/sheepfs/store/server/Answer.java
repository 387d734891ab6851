package io.sheepfs.store.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import java.nio.ByteBuffer;

/**
 * What a handler has to say.
 *
 * @param body whoever has the answer last releases it
 */
record Answer(ResultCode result, ResponseFields fields, ByteBuf body) {

  private static final ResponseFields NO_FIELDS = new ResponseFields.None();

  static final Answer SUCCESS = of(ResultCode.SUCCESS);

  /** A result and nothing else. */
  static Answer of(ResultCode result) {
    return new Answer(result, NO_FIELDS, Unpooled.EMPTY_BUFFER);
  }

  static Answer fields(ResponseFields fields) {
    return new Answer(ResultCode.SUCCESS, fields, Unpooled.EMPTY_BUFFER);
  }

  static Answer body(ByteBuf body) {
    return new Answer(ResultCode.SUCCESS, NO_FIELDS, body);
  }

  static Answer body(ByteBuffer body) {
    return body(Unpooled.wrappedBuffer(body));
  }
}
