package io.sheepfs.fuse.control;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The mounts that this process sees, from {@code /proc/self/mounts}. */
public final class MountTable {

  /** The type that all our mounts have. */
  public static final String TYPE = "fuse.sheepfs";

  private static final Path MOUNTS = Path.of("/proc/self/mounts");

  /**
   * A line of the table.
   *
   * @param user who mounted it, if it is a FUSE mount; else 0
   */
  public record Entry(String source, Path mountpoint, String type, int user) {}

  private MountTable() {}

  /** All mounts, the earlier ones first. */
  public static List<Entry> read() throws IOException {
    return parse(Files.readString(MOUNTS, StandardCharsets.ISO_8859_1));
  }

  /** The topmost mount at a path; null if none is there. */
  public static @Nullable Entry at(Path mountpoint) throws IOException {
    Entry found = null;
    for (Entry entry : read()) {
      if (entry.mountpoint().equals(mountpoint)) {
        found = entry;
      }
    }
    return found;
  }

  static List<Entry> parse(String table) {
    List<Entry> entries = new ArrayList<>();
    for (String line : table.split("\n", -1)) {
      String[] fields = line.split(" ", -1);
      if (fields.length > 3) {
        entries.add(
            new Entry(
                unescape(fields[0]), Path.of(unescape(fields[1])), fields[2], user(fields[3])));
      }
    }
    return entries;
  }

  private static int user(String options) {
    for (String option : options.split(",", -1)) {
      if (option.startsWith("user_id=")) {
        return Integer.parseUnsignedInt(option.substring("user_id=".length()));
      }
    }
    return 0;
  }

  /**
   * Blanks and the like stand in the table as three octal digits; names are bytes, mostly UTF-8.
   */
  private static String unescape(String field) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < field.length(); i++) {
      char c = field.charAt(i);
      if (c == '\\' && i + 3 < field.length()) {
        bytes.write(Integer.parseInt(field.substring(i + 1, i + 4), 8));
        i += 3;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
