package io.sheepfs.fuse.tree;

import io.sheepfs.cache.CacheMetrics;
import io.sheepfs.cache.CacheStatus;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.cache.coherence.CachedCluster;
import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.telemetry.MetricList;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What the mount tells of its object cache, and what can be told to it.
 *
 * @param cluster null if there is no cache
 * @param cache null if there is none
 */
record CacheReports(@Nullable CachedCluster cluster, @Nullable ObjectCache cache) {

  /** Of a cluster with a cache or without. */
  static CacheReports of(Cluster cluster) {
    return cluster instanceof CachedCluster cached
        ? new CacheReports(cached, cached.cache())
        : new CacheReports(null, null);
  }

  /** The text of config/objectcache: the mode, and behind it what the cache holds, for people. */
  String text(String mode) {
    if (cluster == null || cache == null) {
      return "off\n";
    }
    CacheStatus status = cache.status();
    StringBuilder text =
        new StringBuilder(mode)
            .append("\nobjects " + status.objects())
            .append("\nvalid_bytes " + status.validBytes())
            .append("\ndirty_bytes " + status.dirtyBytes())
            .append("\noldest_dirty_ms " + status.oldestDirtyMillis())
            .append("\nhits " + status.hits())
            .append("\nmisses " + status.misses() + "\n");
    cluster.answers().forEach(line -> text.append(line).append('\n'));
    return text.toString();
  }

  /**
   * Carries out what was written to config/objectcache: a command of {@link
   * io.sheepfs.cache.CacheCommands}, the name of a VDI behind its first word. The answer is in the
   * file from then on.
   */
  void command(String text) throws IOException {
    String[] words = text.split(" ", 3);
    if (cluster == null) {
      throw new TreeException(Reason.INVALID, "the mount has no object cache");
    }
    if (words.length < 2) {
      throw new TreeException(Reason.INVALID, "write a command and the name of a VDI");
    }
    try {
      cluster.command(new VdiName(words[1]), words[0] + (words.length > 2 ? " " + words[2] : ""));
    } catch (IllegalArgumentException e) {
      throw new TreeException(Reason.INVALID, String.valueOf(e.getMessage()));
    }
  }

  /** Adds the numbers of the cache; none without a cache. */
  void addTo(MetricList list) {
    if (cache != null) {
      CacheMetrics.addTo(list, cache.status());
    }
  }
}
