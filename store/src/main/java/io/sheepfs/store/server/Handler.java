package io.sheepfs.store.server;

import io.sheepfs.protocol.SheepException;

/** Carries out one operation. Called on a worker; may block on the disk. */
interface Handler {
  /**
   * Carries it out.
   *
   * @throws SheepException with the result to be sent back
   * @throws IllegalArgumentException if a field of the request is impossible
   */
  Answer answer(Request request) throws SheepException;
}
