package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;

/**
 * What a cache has of one VDI.
 *
 * @param objects objects with anything cached
 * @param dirtyObjects those of them with something that the store has not flushed yet
 * @param validBytes what is cached, dirty or not
 * @param dirtyBytes what the store has not flushed yet
 */
public record CachedVdi(
    VdiId vid, int objects, int dirtyObjects, long validBytes, long dirtyBytes) {}
