package io.sheepfs.cache;

/**
 * What the VDIs of one name may have of a cache, and have.
 *
 * @param limitBytes how much they may have; 0 for as much as there is room for
 * @param usedBytes how much they have, dirty or not
 */
public record Quota(long limitBytes, long usedBytes) {}
