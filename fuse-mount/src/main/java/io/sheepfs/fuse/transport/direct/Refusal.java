package io.sheepfs.fuse.transport.direct;

import java.io.IOException;

/**
 * A refusal in the terms of this protocol alone: the kernel named something that we do not know, or
 * sent what makes no sense.
 */
final class Refusal extends IOException {

  private static final long serialVersionUID = 1L;

  private final int errno;

  Refusal(int errno) {
    this(errno, "errno " + errno);
  }

  Refusal(int errno, String message) {
    super(message, null);
    this.errno = errno;
  }

  int errno() {
    return errno;
  }
}
