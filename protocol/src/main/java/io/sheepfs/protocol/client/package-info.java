/**
 * A cluster over the network: {@link io.sheepfs.protocol.client.RemoteCluster} puts the ports on
 * top of {@link io.sheepfs.protocol.client.SheepClient}, which sends single requests.
 */
@NullMarked
package io.sheepfs.protocol.client;

import org.jspecify.annotations.NullMarked;
