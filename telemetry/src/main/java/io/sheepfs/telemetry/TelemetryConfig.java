package io.sheepfs.telemetry;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/**
 * What was asked of a daemon on how it tells how it does.
 *
 * @param metrics where it tells over HTTP; null for nowhere
 * @param slowMillis from when on a request is told in the log; 0 for never
 * @param format how the log looks
 */
public record TelemetryConfig(
    @Nullable InetSocketAddress metrics, long slowMillis, DaemonLog.Format format) {

  /** Nothing beyond the usual log. */
  public static final TelemetryConfig NONE = new TelemetryConfig(null, 0, DaemonLog.Format.TEXT);

  /**
   * From what stands on a command line.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  public static TelemetryConfig parse(
      @Nullable String metrics, @Nullable String slowRequest, @Nullable String logFormat) {
    return new TelemetryConfig(
        MetricsAddress.parse(metrics), millis(slowRequest), format(logFormat));
  }

  private static long millis(@Nullable String text) {
    if (text == null) {
      return 0;
    }
    if (!text.matches("[0-9]{1,9}")) {
      throw new IllegalArgumentException("not a number of milliseconds: slow-request=" + text);
    }
    return Long.parseLong(text);
  }

  private static DaemonLog.Format format(@Nullable String text) {
    if (text == null || text.equals("text")) {
      return DaemonLog.Format.TEXT;
    }
    if (!text.equals("json")) {
      throw new IllegalArgumentException("'" + text + "' is none of [text, json]: log-format");
    }
    return DaemonLog.Format.JSON;
  }

  /** Sets up the log, and has slow requests told in it; before the first logger is made. */
  public void configureLog(boolean debug) {
    DaemonLog.configure(format, debug);
    SlowRequests.tellFrom(slowMillis);
  }
}
