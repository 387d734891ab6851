package io.sheepfs.dog;

/** The end of a command, with what to tell the user: what went wrong, and the next step. */
final class DogException extends Exception {

  private static final long serialVersionUID = 1L;

  private final ExitCode exitCode;

  DogException(ExitCode exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  DogException(ExitCode exitCode, String message, Throwable cause) {
    super(message, cause);
    this.exitCode = exitCode;
  }

  /** A mistake in the arguments. */
  static DogException usage(String message) {
    return new DogException(ExitCode.USAGE, message);
  }

  /** A plain failure. */
  static DogException failure(String message) {
    return new DogException(ExitCode.FAILURE, message);
  }

  ExitCode exitCode() {
    return exitCode;
  }
}
