/**
 * What the sheep of a cluster agree on, through ZooKeeper: the format, the members, the epochs.
 * Start at {@link io.sheepfs.store.cluster.ClusterSheep} and {@link
 * io.sheepfs.store.cluster.Membership}; docs/adr/0012 has the reasons.
 */
@NullMarked
package io.sheepfs.store.cluster;

import org.jspecify.annotations.NullMarked;
