package io.sheepfs.fuse.transport;

import io.sheepfs.fuse.tree.TreeException;
import io.sheepfs.fuse.tree.TreeException.Reason;
import java.time.Instant;

/** The time of a file as the kernel says it. */
public final class KernelTime {

  private static final long NANOS_PER_SECOND = 1_000_000_000;

  private KernelTime() {}

  /**
   * The instant.
   *
   * @param seconds since 1970
   * @param nanos what is beyond them
   * @throws TreeException {@link Reason#INVALID} if there is none: programs may ask for any number
   */
  public static Instant of(long seconds, long nanos) throws TreeException {
    if (seconds < Instant.MIN.getEpochSecond()
        || seconds > Instant.MAX.getEpochSecond()
        || nanos < 0
        || nanos >= NANOS_PER_SECOND) {
      throw new TreeException(Reason.INVALID, "a time of " + seconds + " s and " + nanos + " ns");
    }
    return Instant.ofEpochSecond(seconds, nanos);
  }
}
