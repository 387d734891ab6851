package io.sheepfs.fuse;

import java.io.IOException;

/** Why nothing was mounted, told to a person, with the exit code. */
final class MountFailure extends IOException {

  private static final long serialVersionUID = 1L;

  private final int exitCode;

  MountFailure(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  MountFailure(int exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage());
  }
}
