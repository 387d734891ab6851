package io.sheepfs.cache;

/**
 * The state of a cache, and what it has done since it was opened.
 *
 * @param objects objects with anything cached
 * @param validBytes what is cached, dirty or not
 * @param dirtyBytes what the store has not flushed yet
 * @param oldestDirtyMillis the age of the oldest dirty data; 0 if there is none
 * @param hits reads answered without the store
 * @param misses reads that needed the store
 * @param fetchedBytes what was read from the store
 * @param pushedBytes what was handed to the store, of what had been written to the cache
 * @param pushes in how many requests
 * @param flushes how often the store was asked to flush
 * @param reclaimedObjects objects thrown out to make room
 * @param diskFailures how often the cache's disk was full or failed, so that the store had to serve
 * @param droppedObjects objects thrown out at start because a reboot or damage made them unproved
 * @param damagedBlocks how often a block was found that its checksum does not prove
 * @param waits how often a writer waited for the cluster to come back, with no room for more dirty
 *     data
 */
public record CacheStatus(
    long objects,
    long validBytes,
    long dirtyBytes,
    long oldestDirtyMillis,
    long hits,
    long misses,
    long fetchedBytes,
    long pushedBytes,
    long pushes,
    long flushes,
    long reclaimedObjects,
    long diskFailures,
    long droppedObjects,
    long damagedBlocks,
    long waits) {}
