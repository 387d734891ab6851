package io.sheepfs.store.cluster;

import io.sheepfs.protocol.tls.TlsFolder;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * How a sheep takes part in a cluster.
 *
 * @param servers of ZooKeeper: {@code HOST:PORT[,HOST:PORT..]}
 * @param cluster the name of the cluster there
 * @param login as whom this sheep uses ZooKeeper; null for everybody
 * @param address where the others reach this sheep
 * @param port likewise
 * @param zone the failure domain; null takes it from the address, as the original does
 * @param virtualNodes points on the ring; null lets the size of the disk say it, 0 is a gateway
 * @param sessionTimeout how long a node may be silent before it counts as gone
 * @param peerTimeout how long an answer of another sheep is waited for
 * @param scrubInterval after which all copies are compared again; zero for never
 * @param tls the certificates among sheep; null for none
 */
public record ClusterOptions(
    String servers,
    String cluster,
    @Nullable ZooKeeperLogin login,
    InetAddress address,
    int port,
    @Nullable Integer zone,
    @Nullable Integer virtualNodes,
    Duration sessionTimeout,
    Duration peerTimeout,
    Duration scrubInterval,
    @Nullable TlsFolder tls) {

  private static final int DEFAULT_VIRTUAL_NODES = 128;

  /** How many points this node asks for, whatever its disk is like. */
  int points() {
    return virtualNodes == null ? DEFAULT_VIRTUAL_NODES : virtualNodes;
  }

  boolean isGateway() {
    return points() == 0;
  }

  /** The failure domain as on the wire. */
  int zoneNumber() {
    Integer given = zone;
    if (given != null) {
      return given;
    }
    byte[] raw = address.getAddress();
    return ByteBuffer.wrap(Arrays.copyOfRange(raw, raw.length - Integer.BYTES, raw.length))
        .order(ByteOrder.LITTLE_ENDIAN)
        .getInt();
  }
}
