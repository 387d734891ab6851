package io.sheepfs.fuse.tree;

import java.time.Instant;

/**
 * What stat shows of a node.
 *
 * @param directory whether it is a directory; else a regular file
 * @param permissions the lower nine bits of the mode
 * @param owner the user id
 * @param group the group id
 * @param sizeBytes the size
 * @param allocatedBytes the space it takes
 * @param modified when the content changed last, as far as is known
 * @param created when it came to be
 */
public record Attributes(
    boolean directory,
    int permissions,
    int owner,
    int group,
    long sizeBytes,
    long allocatedBytes,
    Instant modified,
    Instant created) {}
