package io.sheepfs.sbd;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Where people read what happens. In the foreground that is standard error. In the background it is
 * the pipe to the launcher, which passes lines on until it reads {@code READY} and then leaves;
 * what comes after that is in the log.
 */
final class Console {

  private static final String STATUS_FD = "sheepfs.status.fd";

  private final PrintStream out;
  private final boolean launched;

  private Console(PrintStream out, boolean launched) {
    this.out = out;
    this.launched = launched;
  }

  /** The console of this process: the launcher says by a system property whether it listens. */
  static Console ofThisProcess() {
    String descriptor = System.getProperty(STATUS_FD);
    if (descriptor != null) {
      try {
        FileOutputStream pipe = new FileOutputStream("/proc/self/fd/" + descriptor);
        return new Console(new PrintStream(pipe, true, StandardCharsets.UTF_8), true);
      } catch (IOException nobodyListens) {
        return new Console(System.err, false);
      }
    }
    return new Console(System.err, false);
  }

  void say(String message) {
    out.println("sbd: " + message);
  }

  /** The service can be used: the launcher ends. */
  void ready() {
    if (launched) {
      out.println("READY");
      out.close();
    }
  }

  /** Sets up the log before the first logger is made. */
  void configureLog(boolean debug, Path logFile) {
    String prefix = "org.slf4j.simpleLogger.";
    System.setProperty(prefix + "defaultLogLevel", debug ? "debug" : "warn");
    System.setProperty(prefix + "log.io.sheepfs", debug ? "debug" : "info");
    System.setProperty(prefix + "log.io.netty", "warn");
    System.setProperty(prefix + "showDateTime", "true");
    System.setProperty(prefix + "dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    System.setProperty(prefix + "showShortLogName", "true");
    if (!launched) {
      return;
    }
    try {
      // the simple logger would empty a file of its own; appending is up to us
      FileOutputStream log = new FileOutputStream(logFile.toFile(), true);
      System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    } catch (IOException e) {
      say("cannot log to " + logFile + ": " + e.getMessage());
    }
  }
}
