/**
 * A store on the network: the wire protocol of the original, served from a {@link
 * io.sheepfs.store.LocalSheep}.
 *
 * <p>Start from {@link io.sheepfs.store.server.SheepServer}, or from {@link
 * io.sheepfs.store.server.Sheep}, the main class.
 */
@NullMarked
package io.sheepfs.store.server;

import org.jspecify.annotations.NullMarked;
