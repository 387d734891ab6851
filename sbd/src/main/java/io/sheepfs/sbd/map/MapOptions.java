package io.sheepfs.sbd.map;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a target is mapped.
 *
 * @param readOnly whether the device cannot be written; a snapshot's never can
 * @param id the N of /dev/sbdN; null for the lowest that is free
 * @param timeout how long I/O waits for a sheep that does not answer, before it fails
 * @param nbd whether the kernel's NBD client makes the device, instead of a loop device
 */
public record MapOptions(boolean readOnly, @Nullable Integer id, Duration timeout, boolean nbd) {

  /** A minute. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(60);

  public MapOptions {
    if (id != null && (id < 0 || id > 99_999)) {
      throw new IllegalArgumentException("not the number of a device: " + id);
    }
    if (timeout.toSeconds() < 1) {
      throw new IllegalArgumentException("a timeout is at least one second");
    }
  }
}
