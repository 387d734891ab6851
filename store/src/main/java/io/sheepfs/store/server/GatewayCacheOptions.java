package io.sheepfs.store.server;

import io.sheepfs.cache.ByteSize;
import io.sheepfs.cache.CacheOptions;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What {@code -w size=N[K|M|G|T][,dir=PATH][,directio][,dsync]} asks for, as the original's release
 * 0.9 spelled it.
 *
 * @param sizeBytes how much the cache may take
 * @param directory where it is kept; null for {@code cache} in the store's directory
 * @param access how its files are opened
 */
public record GatewayCacheOptions(
    long sizeBytes, @Nullable Path directory, CacheOptions.DiskAccess access) {

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
    boolean direct = false;
    boolean dsync = false;
    for (String option : text.split(",", -1)) {
      if (option.startsWith("size=")) {
        size = ByteSize.parse(option.substring("size=".length()));
      } else if (option.startsWith("dir=") && option.length() > "dir=".length()) {
        directory = Path.of(option.substring("dir=".length()));
      } else if (option.equals("directio")) {
        direct = true;
      } else if (option.equals("dsync")) {
        dsync = true;
      } else {
        throw new IllegalArgumentException(
            "-w takes size=N[K|M|G|T], dir=PATH, directio and dsync, separated by commas; not '"
                + option
                + "'");
      }
    }
    return new GatewayCacheOptions(size, directory, CacheOptions.DiskAccess.of(direct, dsync));
  }
}
