/**
 * The storage node: objects on disk, the VDI table, and the server that speaks the wire protocol.
 */
@NullMarked
package io.sheepfs.store;

import org.jspecify.annotations.NullMarked;
