package io.sheepfs.cache;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Whose cache a directory is, and how it was left. Four lines of text and the checksum of them:
 *
 * <pre>
 *   sheepfs-cache 1
 *   cluster CLUSTER_ID
 *   boot BOOT_ID
 *   clean true|false
 *   crc HEX
 * </pre>
 *
 * @param cluster the cluster whose objects these are
 * @param boot the boot during which the maps were last written
 * @param clean whether maps and data were forced afterwards, and not changed since
 */
record CacheState(String cluster, String boot, boolean clean) {

  private static final String MAGIC = "sheepfs-cache 1";
  private static final Pattern OTHER_VERSION = Pattern.compile("sheepfs-cache \\d{1,9}");

  CacheState {
    if (cluster.isEmpty() || cluster.indexOf('\n') >= 0 || boot.indexOf('\n') >= 0) {
      throw new IllegalArgumentException("cluster '" + cluster + "', boot '" + boot + "'");
    }
  }

  /** Whether the maps can be believed during boot {@code now}. */
  boolean isTrusted(String now) {
    return clean || boot.equals(now);
  }

  byte[] toBytes() {
    String body = MAGIC + "\ncluster " + cluster + "\nboot " + boot + "\nclean " + clean + "\n";
    return (body + "crc " + checksum(body) + "\n").getBytes(StandardCharsets.UTF_8);
  }

  /**
   * Reads a record.
   *
   * @return null for {@code null}, a directory that never was a cache, and for a damaged record
   * @throws IOException with a message for the user if it is of another version
   */
  static @Nullable CacheState parse(byte @Nullable [] bytes) throws IOException {
    if (bytes == null) {
      return null;
    }
    String[] lines = new String(bytes, StandardCharsets.UTF_8).split("\n", -1);
    if (OTHER_VERSION.matcher(lines[0]).matches() && !lines[0].equals(MAGIC)) {
      throw new IOException("the cache is of another version of this program: " + lines[0]);
    }
    if (lines.length != 6 || !lines[1].startsWith("cluster ") || !lines[2].startsWith("boot ")) {
      return null;
    }
    String cluster = lines[1].substring("cluster ".length());
    if (cluster.isEmpty()) {
      return null;
    }
    String boot = lines[2].substring("boot ".length());
    CacheState state = new CacheState(cluster, boot, lines[3].equals("clean true"));
    return Arrays.equals(state.toBytes(), bytes) ? state : null;
  }

  private static String checksum(String body) {
    CRC32C crc = new CRC32C();
    crc.update(body.getBytes(StandardCharsets.UTF_8));
    return Long.toHexString(crc.getValue());
  }
}
