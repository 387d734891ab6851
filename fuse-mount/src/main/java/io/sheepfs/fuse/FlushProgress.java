package io.sheepfs.fuse;

import io.sheepfs.cache.ObjectCache;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells a person now and then how much is still to be written out, until it is stopped. */
final class FlushProgress {

  private static final Logger log = LoggerFactory.getLogger(FlushProgress.class);
  private static final int SECONDS = 2;

  private final ObjectCache cache;
  private final Console console;
  private final boolean shown;
  private final CountDownLatch end = new CountDownLatch(1);

  private FlushProgress(ObjectCache cache, Console console) {
    this.cache = cache;
    this.console = console;
    this.shown = isTerminal(2) || console.isLaunched();
  }

  static FlushProgress start(ObjectCache cache, Console console) {
    FlushProgress progress = new FlushProgress(cache, console);
    Thread thread = new Thread(progress::run, "flush-progress");
    thread.setDaemon(true);
    thread.start();
    return progress;
  }

  /** Whether a person watches a file descriptor. */
  static boolean isTerminal(int descriptor) {
    try {
      String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor)).toString();
      return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty");
    } catch (IOException e) {
      return false;
    }
  }

  private void run() {
    try {
      while (!end.await(SECONDS, TimeUnit.SECONDS)) {
        String left = text(cache.status().dirtyBytes()) + " left to write out";
        if (shown) {
          console.info(left);
        } else {
          console.tellFollower(left);
        }
        log.info("{}", left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** A number of bytes as people read it. */
  static String text(long bytes) {
    if (bytes < 1 << 10) {
      return bytes + " B";
    }
    int unit = (63 - Long.numberOfLeadingZeros(bytes)) / 10;
    double number = bytes / (double) (1L << (unit * 10));
    return String.format(Locale.ROOT, "%.1f %ciB", number, "KMGTPE".charAt(unit - 1));
  }

  /** Says no more. */
  void stop() {
    end.countDown();
  }
}
