package io.sheepfs.protocol;

import java.net.InetAddress;

/**
 * A sheep.
 *
 * @param address where it listens
 * @param port likewise
 * @param virtualNodes its points on the ring; 0 for a gateway, which stores nothing
 * @param zone its failure domain, an unsigned 32-bit number
 * @param spaceBytes the size of its disks, by which the ring is weighted
 */
public record NodeInfo(InetAddress address, int port, int virtualNodes, int zone, long spaceBytes) {
  public NodeInfo {
    if (port < 0 || port > 0xFFFF) {
      throw new IllegalArgumentException("not a port: " + port);
    }
    if (virtualNodes < 0 || virtualNodes > 0xFFFF) {
      throw new IllegalArgumentException("not a number of virtual nodes: " + virtualNodes);
    }
  }
}
