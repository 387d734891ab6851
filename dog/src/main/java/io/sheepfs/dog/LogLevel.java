package io.sheepfs.dog;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How much a node logs: the levels of syslog, most urgent first. */
enum LogLevel {
  EMERG(0),
  ALERT(1),
  CRIT(2),
  ERR(3),
  WARNING(4),
  NOTICE(5),
  INFO(6),
  DEBUG(7);

  private final int number;

  LogLevel(int number) {
    this.number = number;
  }

  /** The number of a level on the wire. */
  int number() {
    return number;
  }

  /** The level of a name; null if it is none. */
  static @Nullable LogLevel of(String name) {
    for (LogLevel level : values()) {
      if (level.text().equals(name)) {
        return level;
      }
    }
    return null;
  }

  /** The name of a level as nodes number them, which may be none that we know. */
  static String text(int number) {
    for (LogLevel level : values()) {
      if (level.number == number) {
        return level.text();
      }
    }
    return "unknown loglevel";
  }

  String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
