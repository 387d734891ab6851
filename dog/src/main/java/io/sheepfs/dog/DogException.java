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

  /** The refusal to touch a VDI that somebody writes. */
  static DogException locked(String name, Throwable cause) {
    return new DogException(
        ExitCode.FAILURE,
        "VDI "
            + name
            + " is open for writing elsewhere, by a mount or a virtual machine: close it there, or"
            + " see who has it with 'dog vdi lock list'",
        cause);
  }

  ExitCode exitCode() {
    return exitCode;
  }
}
