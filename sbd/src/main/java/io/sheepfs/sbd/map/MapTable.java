package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * The file that says what is mapped when the machine starts. One device a line:
 *
 * <pre>
 *   HOST PORT VDI[@TAG] [ro,nbd,id=N,timeout=SECONDS]
 * </pre>
 *
 * <p>Empty lines, and what follows a {@code #} at the start of a word, are left out.
 */
public final class MapTable {

  private MapTable() {}

  /** One line. */
  public record Entry(Target target, MapOptions options) {}

  /**
   * Reads the file.
   *
   * @throws IOException if it cannot be read, or with the number of a line that is wrong
   */
  public static List<Entry> read(Path file) throws IOException {
    List<Entry> entries = new ArrayList<>();
    int number = 0;
    for (String line : Files.readAllLines(file)) {
      number++;
      String text = line.replaceAll("(^|\\s)#.*", "").strip();
      if (text.isEmpty()) {
        continue;
      }
      try {
        entries.add(parse(text.split("\\s+", -1)));
      } catch (IllegalArgumentException e) {
        throw new IOException(file + ", line " + number + ": " + e.getMessage(), e);
      }
    }
    return entries;
  }

  private static Entry parse(String[] words) {
    if (words.length < 3 || words.length > 4) {
      throw new IllegalArgumentException("not HOST PORT VDI [OPTIONS]");
    }
    boolean readOnly = false;
    boolean nbd = false;
    Integer id = null;
    Duration timeout = MapOptions.DEFAULT_TIMEOUT;
    String options = words.length == 4 ? words[3] : "rw";
    for (String option : options.split(",", -1)) {
      if (option.equals("ro")) {
        readOnly = true;
      } else if (option.equals("nbd")) {
        nbd = true;
      } else if (option.startsWith("id=")) {
        id = number(option);
      } else if (option.startsWith("timeout=")) {
        timeout = Duration.ofSeconds(number(option));
      } else if (!option.equals("rw")) {
        throw new IllegalArgumentException("unknown option " + option);
      }
    }
    Target target = new Target(words[0], number("port=" + words[1]), words[2]);
    return new Entry(target, new MapOptions(readOnly, id, timeout, nbd));
  }

  private static int number(String option) {
    String value = option.substring(option.indexOf('=') + 1);
    if (!value.matches("[0-9]{1,6}")) {
      throw new IllegalArgumentException("not a number: " + option);
    }
    return Integer.parseInt(value);
  }
}
