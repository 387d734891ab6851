package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.SheepException;
import java.net.InetSocketAddress;

/** The way to the nodes over TCP. */
final class TcpNetwork implements Environment.Network {

  @Override
  public Cluster cluster(InetSocketAddress address) throws SheepException {
    return TcpCluster.connect(address);
  }

  @Override
  public Sheep sheep(InetSocketAddress address) throws SheepException {
    return SheepSocket.connect(address);
  }
}
