package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import java.io.Closeable;
import java.nio.ByteBuffer;

/** A connection to one node. Safe for any number of threads. */
interface Sheep extends Closeable {

  /**
   * Sends a request without a body and waits for the answer, whatever its result.
   *
   * @param answerBytes the most that the answer's body can have
   * @throws SheepException if there is no answer
   */
  Reply ask(Opcode opcode, RequestFields fields, int answerBytes) throws SheepException;

  /**
   * Sends a request with a body and waits for the answer, which has none, whatever its result.
   *
   * @param flags bits of {@code RequestFlags}; WRITE is set by itself
   * @throws SheepException if there is no answer
   */
  Reply send(Opcode opcode, int flags, RequestFields fields, ByteBuffer body) throws SheepException;
}
