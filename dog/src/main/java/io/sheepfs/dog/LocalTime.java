package io.sheepfs.dog;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZonedDateTime;

/**
 * Times as the original prints them. By hand: the formatters of the JDK load the data of all
 * languages first, which a command that takes a tenth of a second would feel.
 */
final class LocalTime {

  private static final String DAYS = "MonTueWedThuFriSatSun";
  private static final String MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";

  private final ZonedDateTime time;

  LocalTime(Instant instant, ZoneId zone) {
    this.time = instant.atZone(zone);
  }

  /** As in {@code 2026-11-21}. */
  String date() {
    return time.getYear() + "-" + two(time.getMonthValue()) + "-" + two(time.getDayOfMonth());
  }

  /** As in {@code 02:44:40}. */
  String clock() {
    return two(time.getHour()) + ":" + two(time.getMinute()) + ":" + two(time.getSecond());
  }

  /** As in {@code 2026-11-21 02:44}. */
  String toMinutes() {
    return date() + " " + two(time.getHour()) + ":" + two(time.getMinute());
  }

  /** As in {@code 2026-11-21 02:44:40}. */
  String toSeconds() {
    return date() + " " + clock();
  }

  /** As C's ctime() has it: {@code Sat Nov 21 02:44:40 2026}. */
  String toCtime() {
    int day = (time.getDayOfWeek().getValue() - 1) * 3;
    int month = (time.getMonthValue() - 1) * 3;
    return DAYS.substring(day, day + 3)
        + " "
        + MONTHS.substring(month, month + 3)
        + (time.getDayOfMonth() < 10 ? "  " : " ")
        + time.getDayOfMonth()
        + " "
        + clock()
        + " "
        + time.getYear();
  }

  private static String two(int number) {
    return number < 10 ? "0" + number : Integer.toString(number);
  }
}
