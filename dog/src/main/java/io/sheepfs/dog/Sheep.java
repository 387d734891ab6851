package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import java.io.Closeable;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** A connection to one node. Safe for any number of threads. */
interface Sheep extends Closeable {

  /**
   * Sends a request and waits for the answer, whatever its result.
   *
   * @param flags bits of {@code RequestFlags}; WRITE and PIGGYBACK are set by themselves
   * @param body null for a request without one
   * @param answerBytes the most that the answer's body can have; with a body, not more than that
   * @throws SheepException if there is no answer
   */
  Reply call(
      Opcode opcode, int flags, RequestFields fields, @Nullable ByteBuffer body, int answerBytes)
      throws SheepException;

  /** Sends a request without a body. */
  default Reply ask(Opcode opcode, RequestFields fields, int answerBytes) throws SheepException {
    return call(opcode, 0, fields, null, answerBytes);
  }

  /** Sends a request whose answer has no body. */
  default Reply send(Opcode opcode, int flags, RequestFields fields, ByteBuffer body)
      throws SheepException {
    return call(opcode, flags, fields, body, 0);
  }

  /** Sends a request that is all in its opcode, and whose answer is only a result. */
  default Reply order(Opcode opcode) throws SheepException {
    return call(opcode, 0, new RequestFields.None(), null, 0);
  }
}
