package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A mount of a cluster for one device: a sheepfs process that nobody else is to use. */
final class PrivateMount {

  private final Path mountpoint;

  PrivateMount(Path mountpoint) {
    this.mountpoint = mountpoint;
  }

  /** Starts sheepfs, and returns when it has mounted. */
  void start(Path program, Target target, MapOptions options, Path log) throws IOException {
    Files.createDirectories(mountpoint);
    Program.run(
        program.toString(),
        "--log-file",
        log.toString(),
        "-a",
        target.host(),
        "-p",
        Integer.toString(target.port()),
        "--cache-mode", // the kernel's page cache lies above the device
        "off",
        "--timeout",
        Long.toString(options.timeout().toSeconds()),
        "-o",
        options.readOnly() ? "ro" : "rw",
        mountpoint.toString());
  }

  boolean isMounted() throws IOException {
    String table = Files.readString(Path.of("/proc/self/mounts"), StandardCharsets.UTF_8);
    return table.contains(" " + mountpoint.toString().replace(" ", "\\040") + " fuse");
  }

  /** Whether there is a mount, but no process behind it. */
  boolean isDead() throws IOException {
    return isMounted() && !Files.isDirectory(mountpoint.resolve("volume"));
  }

  /**
   * Unmounts, and waits until the process has flushed and ended.
   *
   * @param lazily whether to do so though somebody uses it: the process then ends after the last
   *     one, and is not waited for
   */
  void unmount(boolean lazily) throws IOException {
    if (isMounted()) {
      if (lazily) {
        Program.run("umount", "-l", mountpoint.toString());
      } else {
        Program.run("umount", mountpoint.toString());
      }
    }
    if (!lazily) {
      new PrivateProcess("io.sheepfs.fuse.Sheepfs", mountpoint.toString()).awaitEnd();
    }
  }
}
