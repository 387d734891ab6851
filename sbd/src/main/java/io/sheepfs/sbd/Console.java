package io.sheepfs.sbd;

import io.sheepfs.telemetry.DaemonLog;
import io.sheepfs.telemetry.TelemetryConfig;
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
  void configureLog(TelemetryConfig telemetry, boolean debug, Path logFile) {
    telemetry.configureLog(debug);
    if (!launched) {
      return;
    }
    try {
      DaemonLog.appendTo(logFile);
    } catch (IOException e) {
      say(String.valueOf(e.getMessage()));
    }
  }
}
