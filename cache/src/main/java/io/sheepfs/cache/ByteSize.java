package io.sheepfs.cache;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Sizes as people write them in the options of a cache. */
public final class ByteSize {

  private static final Pattern TEXT = Pattern.compile("(\\d{1,18})([KMGTkmgt]?)(?:iB|[Bb])?");
  private static final String UNITS = "KMGT";

  private ByteSize() {}

  /**
   * Reads a number of bytes: decimal, and K, M, G or T behind it, in either case, which count in
   * powers of 1024; a B or iB at the end says nothing.
   *
   * @throws IllegalArgumentException with a message for the user for anything else, or more than
   *     2^63 - 1 bytes
   */
  public static long parse(String text) {
    Matcher parts = TEXT.matcher(text);
    if (parts.matches()) {
      String unit = parts.group(2).toUpperCase(Locale.ROOT);
      int shift = unit.isEmpty() ? 0 : (UNITS.indexOf(unit) + 1) * 10;
      long number = Long.parseLong(parts.group(1));
      if (number <= Long.MAX_VALUE >> shift) {
        return number << shift;
      }
    }
    throw new IllegalArgumentException("not a size: '" + text + "'; it is written like 512M or 4G");
  }
}
