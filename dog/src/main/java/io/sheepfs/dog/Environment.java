package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.ClientOptions;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.ZoneId;

/**
 * The outside world of a command.
 *
 * @param in standard input
 * @param out standard output; closed by nobody
 * @param err standard error
 * @param inIsTerminal whether standard input is a person typing
 * @param errIsTerminal whether a person watches standard error, and may be shown progress
 * @param zone whose times are shown
 * @param network the way to the nodes
 * @param pause how to wait
 */
record Environment(
    InputStream in,
    PrintStream out,
    PrintStream err,
    boolean inIsTerminal,
    boolean errIsTerminal,
    ZoneId zone,
    Network network,
    Pause pause) {

  /** Lets time pass, between two looks at something that changes. */
  interface Pause {

    /**
     * Waits.
     *
     * @return whether to go on
     */
    boolean await(Duration time);
  }

  /** Opens connections. */
  interface Network {

    /**
     * The cluster that the node at an address belongs to.
     *
     * @throws SheepException if the node cannot be reached
     */
    Cluster cluster(InetSocketAddress address, ClientOptions options) throws SheepException;

    /**
     * The node at an address.
     *
     * @throws SheepException if it cannot be reached
     */
    Sheep sheep(InetSocketAddress address, ClientOptions options) throws SheepException;
  }
}
