package io.sheepfs.volume;

import java.io.IOException;

/**
 * A VDI would become larger than its index can address: {@link
 * io.sheepfs.protocol.VdiSpec#maxSizeBytes}. Nothing has changed. To a program this is "file too
 * large" (EFBIG).
 */
public final class SizeLimitException extends IOException {

  private static final long serialVersionUID = 1L;

  SizeLimitException(String volume, long maxSizeBytes) {
    super("VDI '" + volume + "' can have " + maxSizeBytes + " bytes at most");
  }
}
