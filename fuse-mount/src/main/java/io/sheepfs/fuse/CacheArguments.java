package io.sheepfs.fuse;

import io.sheepfs.cache.ByteSize;
import io.sheepfs.cache.CacheMode;
import io.sheepfs.cache.CacheOptions;
import io.sheepfs.protocol.VdiName;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of the object cache; each can stand behind {@code -o} as well. */
final class CacheArguments {

  private static final long MIN_DIRTY_BYTES = 1 << 20;

  @Option(
      names = "--cache-mode",
      paramLabel = "writeback|writethrough|memory|off",
      description =
          "The object cache on the local disk: takes writes and hands them on later (default in"
              + " front of a sheep), hands them on at once, does so and keeps its copies in memory,"
              + " or there is none (default with --store).")
  private @Nullable String mode;

  @Option(
      names = "--cache-dir",
      paramLabel = "DIR",
      description =
          "Where the cache is kept, a folder for each cluster (default: /var/cache/sheepfs for"
              + " root, else sheepfs in the user's cache directory).")
  private @Nullable Path directory;

  @Option(
      names = "--cache-size",
      paramLabel = "SIZE",
      defaultValue = "4G",
      description = "How much is kept for reading (default: ${DEFAULT-VALUE}).")
  private String size = "";

  @Option(
      names = "--cache-free-space",
      paramLabel = "SIZE",
      defaultValue = "1G",
      description = "What the cache leaves free on its disk (default: ${DEFAULT-VALUE}).")
  private String freeSpace = "";

  @Option(
      names = "--cache-max-dirty",
      paramLabel = "SIZE",
      defaultValue = "1G",
      description = "How much may wait to be written out (default: ${DEFAULT-VALUE}).")
  private String maxDirty = "";

  @Option(
      names = "--cache-dirty-age",
      paramLabel = "SECONDS",
      defaultValue = "2",
      description = "How long a write waits before it is written out (default: ${DEFAULT-VALUE}).")
  private String dirtyAge = "";

  @Option(
      names = "--cache-direct-io",
      description = "Keep cached objects out of the kernel's page cache (O_DIRECT).")
  private boolean directIo;

  @Option(
      names = "--cache-dsync",
      description = "Put each write to a cached object on the disk at once (O_DSYNC).")
  private boolean dsync;

  @Option(
      names = "--warm",
      paramLabel = "VDI",
      description = "Read a VDI into the cache once it is mounted; can be given again.")
  private List<String> warm = List.of();

  /**
   * What is asked for.
   *
   * @param list what stands behind -o, which goes before
   * @throws IllegalArgumentException with a message for the user
   */
  CacheConfig config(MountOptionList list) {
    String wanted = list.textOrNull("cache-mode", mode);
    CacheConfig.Mode chosen =
        wanted == null ? null : Sheepfs.choice(CacheConfig.Mode.class, wanted);
    CacheOptions defaults = CacheOptions.defaults();
    Duration age = seconds("cache-dirty-age", list.text("cache-dirty-age", dirtyAge));
    long maxDirtyBytes = bytes("cache-max-dirty", list.text("cache-max-dirty", maxDirty));
    if (maxDirtyBytes < MIN_DIRTY_BYTES) {
      throw new IllegalArgumentException("cache-max-dirty is at least 1M");
    }
    CacheOptions options =
        new CacheOptions(
            chosen == CacheConfig.Mode.WRITETHROUGH || chosen == CacheConfig.Mode.MEMORY
                ? CacheMode.WRITETHROUGH
                : CacheMode.WRITEBACK,
            bytes("cache-size", list.text("cache-size", size)),
            bytes("cache-free-space", list.text("cache-free-space", freeSpace)),
            maxDirtyBytes,
            age,
            age.compareTo(defaults.flushAge()) > 0 ? age : defaults.flushAge(),
            defaults.readAheadBytes(),
            defaults.window(),
            CacheOptions.DiskAccess.of(
                directIo || list.has("cache-direct-io"), dsync || list.has("cache-dsync")));
    Path where = list.path("cache-dir", directory);
    List<String> names = new ArrayList<>(warm);
    String listed = list.textOrNull("warm", null);
    if (listed != null) {
      names.add(listed);
    }
    return new CacheConfig(
        chosen,
        where == null ? null : where.toAbsolutePath().normalize(),
        options,
        names.stream().map(VdiName::new).toList());
  }

  private static long bytes(String name, String text) {
    try {
      return ByteSize.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
    }
  }

  static Duration seconds(String name, String text) {
    try {
      double seconds = Double.parseDouble(text);
      if (seconds >= 0 && seconds <= 1e6) {
        return Duration.ofNanos((long) (seconds * 1e9));
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("not a number of seconds: " + name + "=" + text, e);
    }
    throw new IllegalArgumentException("not a number of seconds: " + name + "=" + text);
  }
}
