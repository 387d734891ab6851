package io.sheepfs.protocol;

import java.io.IOException;

/**
 * A request that a sheep refused or could not carry out. {@link #result()} tells why; it becomes an
 * errno or a wire code once, at the edge.
 *
 * <p>The request had no effect, unless the failure is an {@link OutcomeUnknownException}.
 */
public sealed class SheepException extends IOException permits OutcomeUnknownException {

  private static final long serialVersionUID = 1L;

  private final ResultCode result;

  /** A refusal, told in the words of its code and of {@code what} was attempted. */
  public SheepException(ResultCode result, String what) {
    super(what + ": " + result.text());
    this.result = result;
  }

  /** A failure with a cause. */
  public SheepException(ResultCode result, String what, Throwable cause) {
    super(what + ": " + result.text(), cause);
    this.result = result;
  }

  /** Why; never {@link ResultCode#SUCCESS}. */
  public ResultCode result() {
    return result;
  }
}
