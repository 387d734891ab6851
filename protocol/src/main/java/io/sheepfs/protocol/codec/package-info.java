/**
 * The wire protocol on Netty.
 *
 * <p>A server puts a {@link io.sheepfs.protocol.codec.RequestDecoder} and a {@link
 * io.sheepfs.protocol.codec.ResponseEncoder} into its pipeline, a client their counterparts. A
 * message is a frame: a header and its body.
 */
@NullMarked
package io.sheepfs.protocol.codec;

import org.jspecify.annotations.NullMarked;
