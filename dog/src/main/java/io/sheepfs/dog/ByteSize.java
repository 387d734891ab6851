package io.sheepfs.dog;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Sizes as people write and read them. */
final class ByteSize {

  private static final String SUFFIXES = "BKMGTP";
  private static final String[] UNITS = {"MB", "GB", "TB", "PB", "EB", "ZB", "YB"};
  private static final double STEP = 1024;

  private ByteSize() {}

  /**
   * Reads a number of bytes: decimal, or hexadecimal behind {@code 0x}, with a suffix of B, K, M,
   * G, T or P in powers of 1024; a decimal number with a suffix may have a fraction.
   *
   * @throws DogException for anything else, or more than 2^63 - 1 bytes
   */
  static long parse(String text) throws DogException {
    try {
      if (text.startsWith("0x") || text.startsWith("0X")) {
        return Long.parseLong(text, 2, text.length(), 16);
      }
      int power = text.isEmpty() ? -1 : SUFFIXES.indexOf(upper(text.charAt(text.length() - 1)));
      String digits = power < 0 ? text : text.substring(0, text.length() - 1);
      if (digits.isEmpty() || !digits.chars().allMatch(c -> c == '.' || (c >= '0' && c <= '9'))) {
        throw invalid(text, null);
      }
      return new BigDecimal(digits)
          .multiply(BigDecimal.valueOf(1L << (10 * Math.max(power, 0))))
          .setScale(0, RoundingMode.UNNECESSARY)
          .longValueExact();
    } catch (ArithmeticException | NumberFormatException e) {
      throw invalid(text, e);
    }
  }

  private static char upper(char c) {
    return c >= 'a' && c <= 'z' ? (char) (c - 'a' + 'A') : c;
  }

  private static DogException invalid(String text, @Nullable Throwable cause) {
    String message =
        "Invalid size '"
            + text
            + "': use a number of bytes, or one with the suffix K, M, G, T or P, such as 10G";
    return cause == null
        ? DogException.usage(message)
        : new DogException(ExitCode.USAGE, message, cause);
  }

  /** A size for a person: in MB or more, which are powers of 1024, with about two digits. */
  static String human(long bytes) {
    double size = bytes / (STEP * STEP);
    int unit = 0;
    while (size >= STEP && unit < UNITS.length - 1) {
      size /= STEP;
      unit++;
    }
    return String.format(Locale.ROOT, size >= 10 ? "%.0f %s" : "%.1f %s", size, UNITS[unit]);
  }

  /** A size as the listing shows it: for people, or plain bytes for programs. */
  static String show(long bytes, boolean raw) {
    return raw ? Long.toString(bytes) : human(bytes);
  }
}
