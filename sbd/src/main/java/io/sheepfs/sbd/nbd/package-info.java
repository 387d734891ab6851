/**
 * An NBD server: VDIs as exports for qemu, libnbd and the kernel's client.
 *
 * <p>Start from {@link io.sheepfs.sbd.nbd.NbdServer}. A connection is first a {@link
 * io.sheepfs.sbd.nbd.Negotiation}, then a {@link io.sheepfs.sbd.nbd.Transmission}; {@link
 * io.sheepfs.sbd.nbd.Exports} shares one volume between all connections of a VDI.
 */
@NullMarked
package io.sheepfs.sbd.nbd;

import org.jspecify.annotations.NullMarked;
