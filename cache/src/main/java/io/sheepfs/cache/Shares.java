package io.sheepfs.cache;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The shares of a cache, and the record of their quotas in its directory: a line for each, of the
 * number of bytes and the name, and a last line with the checksum of the others.
 *
 * <pre>
 *   1073741824 NAME
 *   crc HEX
 * </pre>
 *
 * <p>A name has no line feed there: {@code \} stands before {@code \} and {@code n}. Safe for any
 * number of threads.
 */
final class Shares {

  private static final Logger log = LoggerFactory.getLogger(Shares.class);

  private final CacheDisk disk;
  private final Reclaimer reclaimer;
  private final Map<String, Share> shares = new ConcurrentHashMap<>();

  Shares(CacheDisk disk, Reclaimer reclaimer) {
    this.disk = disk;
    this.reclaimer = reclaimer;
  }

  /** The share of the VDIs of a name. */
  Share of(String name) {
    return shares.computeIfAbsent(name, Share::new);
  }

  Collection<Share> all() {
    return shares.values();
  }

  /** Reads the quotas; a damaged record has none. */
  void load(Iterable<CachedObject> objects) throws IOException {
    byte[] bytes = disk.readQuotas();
    if (bytes == null) {
      return;
    }
    String text = new String(bytes, StandardCharsets.UTF_8);
    int end = text.lastIndexOf("crc ");
    if (end < 0 || !text.substring(end).equals(checksum(text.substring(0, end)))) {
      log.warn("the record of the quotas in the cache is damaged; there are none");
      return;
    }
    for (String line : text.substring(0, end).split("\n", -1)) {
      int space = line.indexOf(' ');
      if (space > 0) {
        long limit = Long.parseLong(line.substring(0, space)) >>> BlockMap.BLOCK_SHIFT;
        reclaimer.limit(of(unescaped(line.substring(space + 1))), limit, objects);
      }
    }
  }

  /** Sets the quota of a name, 0 for none, and keeps it. */
  synchronized void limit(String name, long bytes, Iterable<CachedObject> objects)
      throws IOException {
    Map<String, Long> limits = new TreeMap<>();
    shares.values().forEach(share -> limits.put(share.name, share.limitBlocks));
    limits.put(name, bytes >>> BlockMap.BLOCK_SHIFT);
    StringBuilder text = new StringBuilder();
    limits.forEach(
        (each, blocks) -> {
          if (blocks > 0) {
            text.append(blocks << BlockMap.BLOCK_SHIFT).append(' ');
            text.append(escaped(each)).append('\n');
          }
        });
    String body = text.toString();
    disk.writeQuotas((body + checksum(body)).getBytes(StandardCharsets.UTF_8));
    reclaimer.limit(of(name), bytes >>> BlockMap.BLOCK_SHIFT, objects);
  }

  private static String escaped(String name) {
    return name.replace("\\", "\\\\").replace("\n", "\\n");
  }

  private static String unescaped(String text) {
    StringBuilder name = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        i++;
        c = text.charAt(i) == 'n' ? '\n' : text.charAt(i);
      }
      name.append(c);
    }
    return name.toString();
  }

  private static String checksum(String body) {
    CRC32C crc = new CRC32C();
    crc.update(body.getBytes(StandardCharsets.UTF_8));
    return "crc " + Long.toHexString(crc.getValue()) + "\n";
  }
}
