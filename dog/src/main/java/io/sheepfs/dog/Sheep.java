package io.sheepfs.dog;

import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.SheepException;
import java.io.Closeable;
import java.nio.ByteBuffer;

/**
 * A connection to one node. Safe for any number of threads, whose requests go one after the other.
 */
interface Sheep extends Closeable {

  /**
   * Sends a request and waits for the answer, whatever its result.
   *
   * @param body as long as the header says
   * @throws SheepException if there is no answer
   */
  Reply call(RequestHeader request, ByteBuffer body) throws SheepException;

  /** Sends a request without a body. */
  default Reply call(RequestHeader request) throws SheepException {
    return call(request, ByteBuffer.allocate(0));
  }
}
