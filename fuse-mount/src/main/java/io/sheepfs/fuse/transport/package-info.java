/**
 * The port through which a tree is mounted, and the one table of errnos. Start with {@link
 * io.sheepfs.fuse.transport.Transport}; each transport lives in a package of its own below.
 */
@NullMarked
package io.sheepfs.fuse.transport;

import org.jspecify.annotations.NullMarked;
