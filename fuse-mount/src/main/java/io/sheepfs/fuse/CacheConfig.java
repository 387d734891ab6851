package io.sheepfs.fuse;

import io.sheepfs.cache.CacheOptions;
import io.sheepfs.protocol.VdiName;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the command line asks of the object cache.
 *
 * @param mode null for the usual: write-back in front of a sheep, none in front of an embedded
 *     store, whose objects are on this machine's disk anyway
 * @param directory where to keep it; null for the usual place
 * @param options how it behaves, whatever the mode
 * @param warm the VDIs to read into it at once
 */
record CacheConfig(
    @Nullable Mode mode, @Nullable Path directory, CacheOptions options, List<VdiName> warm) {

  /** Where writes go first. */
  enum Mode {
    WRITEBACK,
    WRITETHROUGH,
    /** To the cluster, with a copy for reads in memory. */
    MEMORY,
    OFF
  }

  CacheConfig {
    warm = List.copyOf(warm);
  }

  /** The mode in front of an embedded store, or of a sheep. */
  Mode mode(boolean embedded) {
    return mode != null ? mode : embedded ? Mode.OFF : Mode.WRITEBACK;
  }
}
