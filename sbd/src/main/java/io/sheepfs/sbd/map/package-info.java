/**
 * Local block devices: a VDI in a private mount, behind a loop device that has a stable name.
 *
 * <p>Start from {@link io.sheepfs.sbd.map.Mapper}.
 */
@NullMarked
package io.sheepfs.sbd.map;

import org.jspecify.annotations.NullMarked;
