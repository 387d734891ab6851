package io.sheepfs.cache;

/**
 * What a look at all cached blocks of a VDI has found.
 *
 * @param checkedBytes how much was read and compared with its checksums
 * @param mendedBlocks damaged blocks that the cluster has, too: they are fetched again when they
 *     are wanted
 * @param lostBlocks damaged blocks that were not flushed yet; they fail to be read until they are
 *     overwritten
 */
public record CacheCheck(long checkedBytes, long mendedBlocks, long lostBlocks) {}
