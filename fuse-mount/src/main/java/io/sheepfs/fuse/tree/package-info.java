/**
 * What a mount shows: a tree of directories and files made of the VDIs of a cluster. Start with
 * {@link io.sheepfs.fuse.tree.ClusterTree}. Nothing here knows of FUSE; transports adapt the nodes
 * to the kernel.
 */
@NullMarked
package io.sheepfs.fuse.tree;

import org.jspecify.annotations.NullMarked;
