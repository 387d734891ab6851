/**
 * VDIs as block devices: {@code sbd serve} exports them over NBD, {@code sbd map} makes local block
 * devices of them.
 *
 * <p>Start from {@link io.sheepfs.sbd.Sbd}, the main class.
 */
@NullMarked
package io.sheepfs.sbd;

import org.jspecify.annotations.NullMarked;
