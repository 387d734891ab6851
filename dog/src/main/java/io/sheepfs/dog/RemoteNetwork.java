package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;

/** The way to the nodes over TCP. */
final class RemoteNetwork implements Environment.Network {

  /**
   * As the original: an answer that takes longer does not come. One connection is enough for a
   * command, which asks one question at a time.
   */
  static final ClientOptions OPTIONS =
      new ClientOptions(Duration.ofSeconds(5), Duration.ofSeconds(30), 1, null);

  @Override
  public Cluster cluster(InetSocketAddress address, ClientOptions options) throws SheepException {
    return RemoteCluster.connect(List.of(address), options);
  }

  @Override
  public Sheep sheep(InetSocketAddress address, ClientOptions options) throws SheepException {
    return RemoteSheep.connect(address, options);
  }
}
