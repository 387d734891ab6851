package io.sheepfs.cache;

import io.sheepfs.telemetry.MetricList;

/** What a cache tells Prometheus. */
public final class CacheMetrics {

  private CacheMetrics() {}

  /** Adds all numbers of a cache. */
  public static void addTo(MetricList list, CacheStatus status) {
    list.gauge("cache_objects", "Objects with anything cached", status.objects())
        .gauge("cache_valid_bytes", "Bytes cached, dirty or not", status.validBytes())
        .gauge(
            "cache_dirty_bytes", "Bytes that the cluster has not flushed yet", status.dirtyBytes())
        .gauge("cache_oldest_dirty_ms", "Age of the oldest dirty data", status.oldestDirtyMillis())
        .counter("cache_hits", "Reads answered without the cluster", status.hits())
        .counter("cache_misses", "Reads that needed the cluster", status.misses())
        .counter("cache_fetched_bytes", "Bytes read from the cluster", status.fetchedBytes())
        .counter("cache_pushed_bytes", "Bytes written to the cluster", status.pushedBytes())
        .counter("cache_pushes", "Requests that wrote them", status.pushes())
        .counter("cache_flushes", "Flushes of a VDI in the cluster", status.flushes())
        .counter("cache_reclaimed_objects", "Objects given up", status.reclaimedObjects())
        .counter("cache_disk_failures", "Failures of the cache's disk", status.diskFailures())
        .counter("cache_dropped_objects", "Objects unproved at start", status.droppedObjects())
        .counter("cache_damaged_blocks", "Blocks with a wrong checksum", status.damagedBlocks())
        .counter("cache_waits", "Writers that waited for the cluster", status.waits());
  }
}
