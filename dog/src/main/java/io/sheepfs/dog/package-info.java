/**
 * The command line for administrators: {@code dog}, with the verbs, flags and raw output of the
 * original.
 *
 * <p>Start from {@link io.sheepfs.dog.Dog}, which has the table of commands, and {@link
 * io.sheepfs.dog.DogCommand}, which every command extends. A command talks to the cluster through
 * its {@link io.sheepfs.dog.Session}: the {@link io.sheepfs.protocol.Cluster} port where that
 * suffices, and a {@link io.sheepfs.dog.Sheep} for what only administrators ask of a node.
 */
@NullMarked
package io.sheepfs.dog;

import org.jspecify.annotations.NullMarked;
