/**
 * The tree mounted through libfuse 2, with jnr-fuse's layouts of its structures. Start with {@link
 * io.sheepfs.fuse.transport.jnr.JnrTransport}.
 *
 * <p>Source of the interface: {@code fuse.h} and {@code fuse_lowlevel.h} of libfuse 2.9.
 */
@NullMarked
package io.sheepfs.fuse.transport.jnr;

import org.jspecify.annotations.NullMarked;
