package io.sheepfs.dog;

import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a node answered.
 *
 * @param body the body, little-endian as everything is; the receiver's to read
 */
record Reply(ResponseHeader header, ByteBuffer body) {

  /** Room for a body. */
  static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  ResultCode result() {
    return ResultCode.of(header.resultCode());
  }

  /**
   * This reply, if it tells of success.
   *
   * @param what what was attempted, for the message
   */
  Reply orThrow(String what) throws SheepException {
    if (result() != ResultCode.SUCCESS) {
      throw new SheepException(result(), what);
    }
    return this;
  }
}
