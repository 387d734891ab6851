/**
 * The kernel's FUSE protocol spoken on {@code /dev/fuse} and over io_uring, without libfuse. Start
 * with {@link io.sheepfs.fuse.transport.direct.DirectTransport}.
 *
 * <p>Source of the formats: the kernel's {@code include/uapi/linux/fuse.h}, protocol 7.31 to 7.45.
 */
@NullMarked
package io.sheepfs.fuse.transport.direct;

import org.jspecify.annotations.NullMarked;
