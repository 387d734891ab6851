package io.sheepfs.telemetry;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Sets up the log of a daemon, before its first logger is made. */
public final class DaemonLog {

  private static final String SIMPLE = "org.slf4j.simpleLogger.";

  private DaemonLog() {}

  /** How lines look. */
  public enum Format {
    /** For people. */
    TEXT,
    /** An object of JSON each. */
    JSON
  }

  /**
   * Sets it up; lines go to standard error.
   *
   * @param debug whether all is told
   */
  public static void configure(Format format, boolean debug) {
    if (format == Format.JSON) {
      System.setProperty("slf4j.provider", JsonLogProvider.class.getName());
      System.setProperty("slf4j.internal.verbosity", "WARN"); // it tells of that, not in JSON
      System.setProperty(JsonLogger.DEBUG, Boolean.toString(debug));
    }
    System.setProperty(SIMPLE + "defaultLogLevel", debug ? "debug" : "warn");
    System.setProperty(SIMPLE + "log.io.sheepfs", debug ? "debug" : "info");
    System.setProperty(SIMPLE + "log.io.netty", "warn");
    System.setProperty(SIMPLE + "log.org.apache.curator", "info"); // a session that comes or goes
    System.setProperty(SIMPLE + "showDateTime", "true");
    System.setProperty(SIMPLE + "dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    System.setProperty(SIMPLE + "showShortLogName", "true");
  }

  /**
   * Has standard error, and so the log, go to the end of a file: the simple logger would empty a
   * file of its own.
   *
   * @throws IOException with a message for the user
   */
  public static void appendTo(Path file) throws IOException {
    try {
      FileOutputStream log = new FileOutputStream(file.toFile(), true);
      System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new IOException("cannot log to " + file + ": " + e.getMessage(), e);
    }
  }
}
