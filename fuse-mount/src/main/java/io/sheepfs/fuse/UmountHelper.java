package io.sheepfs.fuse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has umount(8) ask our helper, which waits until all is saved. umount looks for a helper only
 * where its own table, {@code /run/mount/utab}, has the mount, and that is written by mount(8)
 * alone: so we have it remount what is mounted already, with nothing changed but an option that is
 * only for the table.
 */
final class UmountHelper {

  private static final Logger log = LoggerFactory.getLogger(UmountHelper.class);
  private static final Path HELPER = Path.of("/sbin/umount.sheepfs");
  private static final int SECONDS = 20;

  private UmountHelper() {}

  /** Does it where there is a helper, for root: nobody else uses umount(8) on a FUSE mount. */
  static void register(Path mountpoint, boolean readOnly) {
    try {
      boolean root =
          Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
      if (!root || !Files.isExecutable(HELPER)) {
        return;
      }
      String options = "remount,nosuid,nodev,uhelper=sheepfs," + (readOnly ? "ro" : "rw");
      Process process =
          new ProcessBuilder("mount", "-i", "-o", options, "--", mountpoint.toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        log.warn("umount will not wait until all is saved; 'sheepfs umount' does");
      }
    } catch (IOException e) {
      log.warn("umount will not wait until all is saved; 'sheepfs umount' does", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
