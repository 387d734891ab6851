package io.sheepfs.fuse.tree;

import io.sheepfs.cache.CacheStatus;
import io.sheepfs.cache.ObjectCache;
import org.jspecify.annotations.Nullable;

/**
 * What the mount tells of its object cache.
 *
 * @param cache null if there is none
 */
record CacheReports(@Nullable ObjectCache cache) {

  /** The text of config/objectcache: the mode, and behind it what the cache holds, for people. */
  String text(String mode) {
    if (cache == null) {
      return "off\n";
    }
    CacheStatus status = cache.status();
    return mode
        + ("\nobjects " + status.objects())
        + ("\nvalid_bytes " + status.validBytes())
        + ("\ndirty_bytes " + status.dirtyBytes())
        + ("\noldest_dirty_ms " + status.oldestDirtyMillis())
        + ("\nhits " + status.hits())
        + ("\nmisses " + status.misses() + "\n");
  }

  /** The counters in the text format of Prometheus; nothing without a cache. */
  String toPrometheus() {
    if (cache == null) {
      return "";
    }
    CacheStatus status = cache.status();
    StringBuilder text = new StringBuilder();
    gauge(text, "objects", "Objects with anything cached", status.objects());
    gauge(text, "valid_bytes", "Bytes cached, dirty or not", status.validBytes());
    gauge(text, "dirty_bytes", "Bytes that the cluster has not flushed yet", status.dirtyBytes());
    gauge(text, "oldest_dirty_ms", "Age of the oldest dirty data", status.oldestDirtyMillis());
    counter(text, "hits_total", "Reads answered without the cluster", status.hits());
    counter(text, "misses_total", "Reads that needed the cluster", status.misses());
    counter(text, "fetched_bytes_total", "Bytes read from the cluster", status.fetchedBytes());
    counter(text, "pushed_bytes_total", "Bytes written to the cluster", status.pushedBytes());
    counter(text, "pushes_total", "Requests that wrote them", status.pushes());
    counter(text, "flushes_total", "Flushes of a VDI in the cluster", status.flushes());
    counter(text, "reclaimed_objects_total", "Objects given up", status.reclaimedObjects());
    counter(text, "disk_failures_total", "Failures of the cache's disk", status.diskFailures());
    counter(text, "dropped_objects_total", "Objects unproved at start", status.droppedObjects());
    return text.toString();
  }

  private static void gauge(StringBuilder text, String name, String help, long value) {
    MountCounters.gauge(text, "cache_" + name, help, value);
  }

  private static void counter(StringBuilder text, String name, String help, long value) {
    MountCounters.counter(text, "cache_" + name, help, value);
  }
}
