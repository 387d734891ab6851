/**
 * The VDIs of a store: their table, changes to them, their locks, and who refers to which object.
 * Start with {@link io.sheepfs.store.vdi.VdiStore}.
 */
@NullMarked
package io.sheepfs.store.vdi;

import org.jspecify.annotations.NullMarked;
