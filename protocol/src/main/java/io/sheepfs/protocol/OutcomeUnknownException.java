package io.sheepfs.protocol;

/**
 * A request of which nobody can say whether it was carried out: the connection broke or the time
 * ran out after it was sent. The caller must find out, or repeat it if that does no harm.
 */
public final class OutcomeUnknownException extends SheepException {

  private static final long serialVersionUID = 1L;

  /** An outcome that a broken connection keeps from us. */
  public OutcomeUnknownException(String what, Throwable cause) {
    super(ResultCode.NETWORK_ERROR, what, cause);
  }
}
