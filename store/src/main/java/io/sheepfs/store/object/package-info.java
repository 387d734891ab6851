/**
 * Objects as files: creation, positional I/O, durability. Knows ids and bytes, but nothing of VDIs.
 * Start with {@link io.sheepfs.store.object.ObjectFiles}.
 */
@NullMarked
package io.sheepfs.store.object;

import org.jspecify.annotations.NullMarked;
