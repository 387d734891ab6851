package io.sheepfs.fuse.tree;

import java.io.IOException;

/** What the tree itself refuses. What the cluster refuses is a {@code SheepException}. */
public final class TreeException extends IOException {

  private static final long serialVersionUID = 1L;

  /** It is an answer, often an expected one, and where it was found out interests nobody. */
  @Override
  public Throwable fillInStackTrace() {
    return this;
  }

  /** Why. */
  public enum Reason {
    NOT_FOUND,
    EXISTS,
    BUSY,
    NOT_PERMITTED,
    READ_ONLY,
    CROSS_DEVICE,
    INVALID,
    NAME_TOO_LONG,
    NOT_SUPPORTED,
    NO_ATTRIBUTE,
    RANGE,
    NOT_EMPTY
  }

  private final Reason reason;

  /** A refusal. */
  public TreeException(Reason reason, String what) {
    super(what);
    this.reason = reason;
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }
}
