/**
 * The vocabulary of Sheepdog and the two ports every layer meets at.
 *
 * <p>Start with {@link io.sheepfs.protocol.ObjectStore} and {@link
 * io.sheepfs.protocol.VdiDirectory}: the network client, the embedded sheep and the object cache
 * all stand behind them. The ids ({@link io.sheepfs.protocol.ObjectId}, {@link
 * io.sheepfs.protocol.VdiId}) and the layouts ({@link io.sheepfs.protocol.InodeLayout}) are those
 * of the original's wire protocol, version 1.0.
 */
@NullMarked
package io.sheepfs.protocol;

import org.jspecify.annotations.NullMarked;
