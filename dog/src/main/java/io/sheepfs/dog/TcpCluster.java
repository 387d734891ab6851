package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiDirectory;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * A cluster through one blocking connection to one node, one request at a time: for commands, which
 * ask little and must start quickly. It works with a sheep of the original, too.
 */
final class TcpCluster implements Cluster {

  private final SheepSocket sheep;
  private final TcpObjects objects;
  private final TcpVdis vdis;

  private TcpCluster(SheepSocket sheep) {
    this.sheep = sheep;
    this.objects = new TcpObjects(sheep);
    this.vdis = new TcpVdis(this, sheep);
  }

  static TcpCluster connect(InetSocketAddress address) throws SheepException {
    return new TcpCluster(SheepSocket.connect(address));
  }

  @Override
  public ObjectStore objects() {
    return objects;
  }

  @Override
  public VdiDirectory vdis() {
    return vdis;
  }

  @Override
  public List<NodeInfo> nodes() throws SheepException {
    Reply reply =
        sheep
            .call(header(Opcode.GET_NODE_LIST, WireNode.MAX_NODES * WireNode.SIZE_BYTES))
            .orThrow("list the nodes");
    return WireNode.decodeAll(reply.body(), reply.header().node().nodes());
  }

  @Override
  public Space space() throws SheepException {
    Space total = new Space(0, 0);
    for (NodeInfo node : nodes()) {
      try (SheepSocket other =
          SheepSocket.connect(new InetSocketAddress(node.address(), node.port()))) {
        total = total.plus(space(other));
      } catch (SheepException e) {
        throw e;
      } catch (IOException e) {
        throw new SheepException(ResultCode.NETWORK_ERROR, "disconnect", e);
      }
    }
    return total;
  }

  /** The disk space of one node. */
  static Space space(Sheep sheep) throws SheepException {
    ResponseFields.Node answer =
        sheep.call(header(Opcode.STAT_SHEEP, 0)).orThrow("ask for the disk space").header().node();
    return new Space(answer.storeSize(), answer.storeFree());
  }

  @Override
  public ClusterInfo info() throws SheepException {
    ResponseFields.ClusterDefault defaults =
        sheep.call(header(Opcode.GET_CLUSTER_DEFAULT, 0)).header().clusterDefault();
    int room = Math.max(nodes().size(), 1);
    Reply reply = statCluster(room, 1);
    while (reply.result() == ResultCode.BUFFER_SMALL && room < WireNode.MAX_NODES) {
      room *= 2;
      reply = statCluster(room, 1);
    }
    if (reply.header().epoch() > 1) {
      reply = statCluster(room, reply.header().epoch());
      while (reply.result() == ResultCode.BUFFER_SMALL && room < WireNode.MAX_NODES) {
        room *= 2;
        reply = statCluster(room, reply.header().epoch());
      }
    }
    return switch (reply.result()) {
      case SUCCESS, WAIT_FOR_FORMAT, WAIT_FOR_JOIN, HALT, SHUTDOWN ->
          WireEpoch.decodeAll(reply.result(), reply.body(), room, defaults);
      default -> throw new SheepException(reply.result(), "ask for the epochs");
    };
  }

  private Reply statCluster(int nodes, int epochs) throws SheepException {
    return sheep.call(
        RequestHeader.of(
            Opcode.STAT_CLUSTER,
            0,
            (long) epochs * WireEpoch.sizeBytes(nodes),
            new RequestFields.ClusterWide(0, 0, 0, 0, 0, 0, nodes, 0)));
  }

  private static RequestHeader header(Opcode opcode, int wanted) {
    return RequestHeader.of(opcode, 0, wanted, new RequestFields.None());
  }

  @Override
  public void close() throws IOException {
    sheep.close();
  }

  /** The records of STAT_CLUSTER. */
  private static final class WireEpoch {

    private static final int HEADER_BYTES = 48;

    private WireEpoch() {}

    static int sizeBytes(int nodes) {
      return HEADER_BYTES + nodes * WireNode.SIZE_BYTES;
    }

    /** Only the first record says how the cluster was formatted. */
    static ClusterInfo decodeAll(
        ResultCode state, ByteBuffer body, int nodes, ResponseFields.ClusterDefault defaults) {
      List<ClusterInfo.Epoch> epochs = new ArrayList<>();
      long created = 0;
      boolean recoveryDisabled = false;
      int copies = defaults.copies();
      int flags = 0;
      String driver = "";
      int start = 0;
      for (; start + sizeBytes(nodes) <= body.limit(); start += sizeBytes(nodes)) {
        if (start == 0) {
          created = body.getLong(0);
          recoveryDisabled = body.get(24) != 0;
          copies = Byte.toUnsignedInt(body.get(25));
          flags = Short.toUnsignedInt(body.getShort(30));
          driver = WireNode.text(body, 32, 16);
        }
        int count = Math.min(body.getInt(start + 20), nodes);
        epochs.add(
            new ClusterInfo.Epoch(
                body.getInt(start + 16),
                Instant.ofEpochSecond(body.getLong(start + 8)),
                WireNode.decodeAll(body.position(start + HEADER_BYTES), count)));
      }
      return new ClusterInfo(
          state,
          created == 0 ? null : InodeHeader.instant(created),
          copies,
          defaults.blockSizeShift(),
          driver,
          flags,
          recoveryDisabled,
          epochs);
    }
  }
}
