package io.sheepfs.store.server;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What {@code -w size=N[K|M|G|T][,dir=PATH]} asks for, as the original's release 0.9 spelled it.
 *
 * @param sizeBytes how much the cache may take
 * @param directory where it is kept; null for {@code cache} in the store's directory
 */
public record GatewayCacheOptions(long sizeBytes, @Nullable Path directory) {

  private static final Pattern SIZE = Pattern.compile("(\\d{1,15})([KMGTkmgt]?)[Bb]?");
  private static final long MIN_BYTES = 10L << 20;

  public GatewayCacheOptions {
    if (sizeBytes < MIN_BYTES) {
      throw new IllegalArgumentException("the cache has a size of at least 10M");
    }
  }

  /**
   * Takes the text apart.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  public static GatewayCacheOptions parse(String text) {
    long size = 0;
    Path directory = null;
    for (String option : text.split(",", -1)) {
      if (option.startsWith("size=")) {
        size = bytes(option.substring("size=".length()));
      } else if (option.startsWith("dir=") && option.length() > "dir=".length()) {
        directory = Path.of(option.substring("dir=".length()));
      } else {
        throw new IllegalArgumentException(
            "-w takes size=N[K|M|G|T] and dir=PATH, separated by a comma; not '" + option + "'");
      }
    }
    return new GatewayCacheOptions(size, directory);
  }

  private static long bytes(String text) {
    Matcher parts = SIZE.matcher(text);
    if (!parts.matches()) {
      throw new IllegalArgumentException("not a size: " + text);
    }
    String unit = parts.group(2);
    int shift = unit.isEmpty() ? 0 : ("kmgt".indexOf(Character.toLowerCase(unit.charAt(0))) + 1);
    long number = Long.parseLong(parts.group(1));
    if (number > Long.MAX_VALUE >> (shift * 10)) {
      throw new IllegalArgumentException("not a size: " + text);
    }
    return number << (shift * 10);
  }
}
