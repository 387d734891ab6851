package io.sheepfs.telemetry;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

/**
 * Writes each message as one line of JSON to standard error: time, level, thread, logger, message,
 * and for a failure its stack trace.
 */
final class JsonLogger extends LegacyAbstractLogger {

  private static final long serialVersionUID = 1L;

  /** The system property that has our own loggers tell all. */
  static final String DEBUG = "sheepfs.log.debug";

  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  private final Level least;

  JsonLogger(String name) {
    this.name = name;
    boolean debug = Boolean.getBoolean(DEBUG);
    boolean own = name.startsWith("io.sheepfs") || name.startsWith("org.apache.curator");
    this.least =
        debug && !name.startsWith("io.netty") ? Level.DEBUG : own ? Level.INFO : Level.WARN;
  }

  private boolean tells(Level level) {
    return level.toInt() >= least.toInt();
  }

  @Override
  public boolean isTraceEnabled() {
    return tells(Level.TRACE);
  }

  @Override
  public boolean isDebugEnabled() {
    return tells(Level.DEBUG);
  }

  @Override
  public boolean isInfoEnabled() {
    return tells(Level.INFO);
  }

  @Override
  public boolean isWarnEnabled() {
    return tells(Level.WARN);
  }

  @Override
  public boolean isErrorEnabled() {
    return tells(Level.ERROR);
  }

  @Override
  protected String getFullyQualifiedCallerName() {
    return JsonLogger.class.getName();
  }

  @Override
  protected void handleNormalizedLoggingCall(
      Level level,
      @Nullable Marker marker,
      String pattern,
      @Nullable Object @Nullable [] arguments,
      @Nullable Throwable failure) {
    String message = String.valueOf(MessageFormatter.basicArrayFormat(pattern, arguments));
    System.err.println(
        line(Instant.now(), level, Thread.currentThread().getName(), name, message, failure));
  }

  static String line(
      Instant time,
      Level level,
      String thread,
      String logger,
      String message,
      @Nullable Throwable failure) {
    StringBuilder line = new StringBuilder(200);
    line.append('{');
    field(line, "time", TIME.format(time));
    field(line, "level", level.toString());
    field(line, "thread", thread);
    field(line, "logger", logger);
    field(line, "message", message);
    if (failure != null) {
      StringWriter trace = new StringWriter();
      failure.printStackTrace(new PrintWriter(trace));
      field(line, "failure", trace.toString());
    }
    return line.append('}').toString();
  }

  private static void field(StringBuilder line, String name, String value) {
    line.append(line.length() == 1 ? "\"" : ",\"").append(name).append("\":\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      switch (c) {
        case '"', '\\' -> line.append('\\').append(c);
        case '\n' -> line.append("\\n");
        case '\t' -> line.append("\\t");
        default -> {
          boolean plain = c >= ' ' && !Character.isSurrogate(c) && c != 0x7f;
          if (plain) {
            line.append(c);
          } else {
            line.append("\\u").append(String.format("%04x", (int) c));
          }
        }
      }
    }
    line.append('"');
  }
}
