package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.ClusterRecord;
import io.sheepfs.protocol.EpochRecord;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;
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
import java.time.Instant;
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
            .call(header(Opcode.GET_NODE_LIST, ClusterRecord.MAX_NODES * NodeRecord.SIZE_BYTES))
            .orThrow("list the nodes");
    return NodeRecord.decodeAll(reply.body()).stream().map(NodeRecord::toNodeInfo).toList();
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
    while (reply.result() == ResultCode.BUFFER_SMALL && room < ClusterRecord.MAX_NODES) {
      room *= 2;
      reply = statCluster(room, 1);
    }
    if (reply.header().epoch() > 1) {
      reply = statCluster(room, reply.header().epoch());
      while (reply.result() == ResultCode.BUFFER_SMALL && room < ClusterRecord.MAX_NODES) {
        room *= 2;
        reply = statCluster(room, reply.header().epoch());
      }
    }
    return switch (reply.result()) {
      case SUCCESS, WAIT_FOR_FORMAT, WAIT_FOR_JOIN, HALT, SHUTDOWN ->
          info(reply.result(), EpochRecord.decodeAll(reply.body(), room), defaults);
      default -> throw new SheepException(reply.result(), "ask for the epochs");
    };
  }

  private Reply statCluster(int nodes, int epochs) throws SheepException {
    return sheep.call(
        RequestHeader.of(
            Opcode.STAT_CLUSTER,
            0,
            (long) epochs * EpochRecord.sizeBytes(nodes),
            new RequestFields.ClusterWide(0, 0, 0, 0, 0, 0, nodes, 0)));
  }

  private static RequestHeader header(Opcode opcode, int wanted) {
    return RequestHeader.of(opcode, 0, wanted, new RequestFields.None());
  }

  @Override
  public void close() throws IOException {
    sheep.close();
  }

  /** Only the first record says how the cluster was formatted. */
  private static ClusterInfo info(
      ResultCode state, List<EpochRecord> records, ResponseFields.ClusterDefault defaults) {
    EpochRecord first = records.isEmpty() ? null : records.get(0);
    return new ClusterInfo(
        state,
        first == null || first.createTime() == 0 ? null : InodeHeader.instant(first.createTime()),
        first == null ? defaults.copies() : first.copies(),
        defaults.blockSizeShift(),
        first == null ? "" : first.storeDriver(),
        first == null ? 0 : first.flags(),
        first != null && first.recoveryDisabled(),
        records.stream()
            .map(
                record ->
                    new ClusterInfo.Epoch(
                        record.epoch(),
                        Instant.ofEpochSecond(record.timeSeconds()),
                        record.nodes().stream().map(NodeRecord::toNodeInfo).toList()))
            .toList());
  }
}
