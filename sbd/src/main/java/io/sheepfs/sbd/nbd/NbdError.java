package io.sheepfs.sbd.nbd;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.volume.SizeLimitException;
import java.io.IOException;

/** The errors of the protocol, and the one place where failures become them. */
enum NbdError {
  NONE(0),
  NOT_PERMITTED(1),
  IO(5),
  NO_MEMORY(12),
  INVALID(22),
  NO_SPACE(28),
  NOT_SUPPORTED(95),
  SHUTDOWN(108);

  private final int code;

  NbdError(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static NbdError of(IOException failure) {
    if (failure instanceof SizeLimitException) {
      return NO_SPACE;
    }
    if (!(failure instanceof SheepException refused)) {
      return IO;
    }
    return switch (refused.result()) {
      case NO_SPACE -> NO_SPACE;
      case READONLY, NOT_ALLOWED -> NOT_PERMITTED;
      case NO_MEM -> NO_MEMORY;
      default -> IO;
    };
  }
}
