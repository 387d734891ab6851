/**
 * The storage node: objects on disk, the VDI table, and the server that speaks the wire protocol.
 *
 * <p>Start with {@link io.sheepfs.store.LocalSheep}.
 */
@NullMarked
package io.sheepfs.store;

import org.jspecify.annotations.NullMarked;
