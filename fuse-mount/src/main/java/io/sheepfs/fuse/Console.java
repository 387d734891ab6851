package io.sheepfs.fuse;

import io.sheepfs.fuse.transport.LibC;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where people read what happens. In the foreground that is standard error. In the background it is
 * the pipe to the launcher, which passes lines on until it reads {@code READY} and then leaves;
 * what comes after that is in the log.
 */
final class Console {

  private static final String STATUS_FD = "sheepfs.status.fd";

  private final PrintStream out;
  private final @Nullable OutputStream status;
  private volatile boolean detached;
  private volatile Consumer<String> follower = message -> {};

  private Console(PrintStream out, @Nullable OutputStream status) {
    this.out = out;
    this.status = status;
  }

  /** The console of this process: the launcher says by a system property whether it listens. */
  @SuppressWarnings("DefaultCharset") // standard error has the user's
  static Console ofThisProcess() {
    String fd = System.getProperty(STATUS_FD);
    if (fd == null) {
      return new Console(System.err, null);
    }
    try {
      OutputStream status = new FileOutputStream("/proc/self/fd/" + Integer.parseInt(fd));
      return new Console(new PrintStream(status, true, StandardCharsets.UTF_8), status);
    } catch (IOException e) {
      return new Console(System.err, null);
    }
  }

  /** Whether a launcher waits for us to be ready. */
  boolean isLaunched() {
    return status != null;
  }

  /** Has somebody else told, too, what is told from now on. */
  void follow(Consumer<String> listener) {
    follower = listener;
  }

  /** Says something only to who follows. */
  void tellFollower(String message) {
    follower.accept(message);
  }

  void info(String message) {
    if (!detached) {
      out.println("sheepfs: " + message);
    }
    tellFollower(message);
  }

  void error(String message) {
    info(message);
  }

  /**
   * The mount can be used: the launcher ends, and this process leaves its session. Not before: an
   * automount that is waiting for us lets those of its mount command's process group alone get to
   * the mountpoint.
   */
  void ready() {
    if (status != null) {
      int unused = LibC.INSTANCE.setsid(); // -1 if we lead a group already, and nobody can mind
      out.println("READY");
      out.flush();
      detached = true;
    }
  }
}
