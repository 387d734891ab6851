package io.sheepfs.fuse.transport.direct;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How far the kernel reads ahead of who reads a file of a mount in order. INIT can only lower what
 * the kernel begins with, 128 KiB; the administrator can raise it, and so does a mount by root.
 */
final class ReadAheadWindow {

  private static final Logger log = LoggerFactory.getLogger(ReadAheadWindow.class);
  private static final Path MOUNTS = Path.of("/proc/self/mountinfo");
  private static final int KIBIBYTES = Handshake.MAX_REQUEST_BYTES >> 10;

  private ReadAheadWindow() {}

  /** Widens it to the largest request; where that is not allowed, it stays, which is slower. */
  static void widen(Path mountpoint) {
    try {
      String device = device(Files.readString(MOUNTS), mountpoint);
      if (device != null) {
        Files.writeString(
            Path.of("/sys/class/bdi", device, "read_ahead_kb"), Integer.toString(KIBIBYTES));
      }
    } catch (IOException e) {
      log.debug("the kernel's read-ahead stays as it is: {}", e.toString());
    }
  }

  /**
   * The device number of what is mounted last at a mountpoint, as {@code MAJOR:MINOR}.
   *
   * @param mounts as in {@code /proc/self/mountinfo}
   * @return null if nothing is
   */
  static @Nullable String device(String mounts, Path mountpoint) {
    String escaped =
        mountpoint
            .toString()
            .replace("\\", "\\134")
            .replace(" ", "\\040")
            .replace("\t", "\\011")
            .replace("\n", "\\012");
    String found = null;
    for (String line : mounts.split("\n", -1)) {
      String[] fields = line.split(" ", 6);
      if (fields.length == 6 && fields[4].equals(escaped)) {
        found = fields[2];
      }
    }
    return found;
  }
}
