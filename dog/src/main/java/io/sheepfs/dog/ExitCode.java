package io.sheepfs.dog;

import io.sheepfs.protocol.ResultCode;

/** What the process tells the shell, with the numbers of the original. */
enum ExitCode {
  SUCCESS(0),
  /** The request was refused, or went wrong. */
  FAILURE(1),
  /** The cluster cannot be reached, or the machine fails. */
  SYSTEM(2),
  /** It is there already. */
  EXISTS(3),
  /** There is no room. */
  FULL(4),
  /** It is not there. */
  MISSING(5),
  /** The arguments make no sense; nothing was changed. */
  USAGE(64);

  private final int code;

  ExitCode(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  /** The code for a refusal that the command itself has no special code for. */
  static ExitCode of(ResultCode result) {
    return switch (result) {
      case NO_SPACE, FULL_VDI -> FULL;
      case NETWORK_ERROR, SYSTEM_ERROR, NO_MEM -> SYSTEM;
      default -> FAILURE;
    };
  }
}
