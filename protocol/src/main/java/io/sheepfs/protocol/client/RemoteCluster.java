package io.sheepfs.protocol.client;

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
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.client.SheepClient.Repeat;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cluster over the network, through any of its sheep: ours, or the original's releases 0.9 and
 * 1.0.
 */
public final class RemoteCluster implements Cluster {

  private static final Logger log = LoggerFactory.getLogger(RemoteCluster.class);

  private static final RequestFields NONE = new RequestFields.None();
  private static final int NODE_LIST_BYTES = ClusterRecord.MAX_NODES * NodeRecord.SIZE_BYTES;
  private static final int FIRST_NODES_PER_EPOCH = 16;
  private static final int MAX_EPOCH_LOG_BYTES = 32 << 20;

  private final SheepClient client;
  private final RemoteObjectStore objects;
  private final RemoteVdiDirectory vdis;

  private RemoteCluster(SheepClient client) {
    this.client = client;
    this.objects = new RemoteObjectStore(client);
    this.vdis = new RemoteVdiDirectory(client, objects);
  }

  /**
   * Connects to a cluster.
   *
   * @param gateways addresses of its sheep: the first that answers is used, and the next ones when
   *     it breaks
   * @throws SheepException {@link ResultCode#NETWORK_ERROR} if none of them answers
   */
  public static RemoteCluster connect(List<InetSocketAddress> gateways, ClientOptions options)
      throws SheepException {
    return new RemoteCluster(SheepClient.connect(gateways, options));
  }

  /** What requests are sent with, for those that no port offers. */
  public SheepClient client() {
    return client;
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
    ByteBuffer body = ByteBuffer.allocate(NODE_LIST_BYTES);
    ResponseHeader answer = query(Opcode.GET_NODE_LIST, NONE, body);
    check(answer, "list the nodes");
    try {
      return NodeRecord.decodeAll(body.flip()).stream().map(NodeRecord::toNodeInfo).toList();
    } catch (IllegalArgumentException e) {
      throw malformed("the list of nodes", e);
    }
  }

  /**
   * Of the nodes that answer soon, as one that is lost is still in the list for a while; if none
   * does, of the one that this client talks to, which has the time of any request.
   */
  @Override
  public Space space() throws SheepException {
    List<NodeInfo> nodes = nodes();
    Space sum = new Space(0, 0);
    int answered = 0;
    long deadline = System.nanoTime() + client.requestTimeoutNanos();
    for (NodeInfo node : nodes.size() == 1 ? List.<NodeInfo>of() : nodes) {
      if (System.nanoTime() - deadline > 0) {
        break; // whoever made this list has many lost nodes in it, or invents them
      }
      try {
        sum = plus(sum, client.statNode(node));
        answered++;
      } catch (SheepException e) {
        log.debug("{} does not tell its space: {}", node, e.toString());
      }
    }
    return answered > 0 ? sum : plus(sum, query(Opcode.STAT_SHEEP, NONE, null));
  }

  private static Space plus(Space sum, ResponseHeader answer) throws SheepException {
    check(answer, "ask for the space of a node");
    try {
      return sum.plus(new Space(answer.node().storeSize(), answer.node().storeFree()));
    } catch (IllegalArgumentException e) {
      throw malformed("the space of a node", e);
    }
  }

  @Override
  public ClusterInfo info() throws SheepException {
    ByteBuffer body = ByteBuffer.allocate(ClusterRecord.SIZE_BYTES);
    check(query(Opcode.CLUSTER_INFO, NONE, body), "ask for the state of the cluster");
    try {
      ClusterRecord record = ClusterRecord.decode(body.flip());
      Epochs epochs = epochs(record.epoch());
      return new ClusterInfo(
          epochs.state(),
          record.createTime() == 0 ? null : InodeHeader.instant(record.createTime()),
          record.copies(),
          record.blockSizeShift(),
          record.defaultStore(),
          record.flags(),
          record.recoveryDisabled(),
          epochs.records().stream().map(RemoteCluster::epoch).toList());
    } catch (IllegalArgumentException e) {
      throw malformed("the state of the cluster", e);
    }
  }

  private record Epochs(ResultCode state, List<EpochRecord> records) {}

  private Epochs epochs(int epoch) throws SheepException {
    for (int room = FIRST_NODES_PER_EPOCH; room <= 2 * ClusterRecord.MAX_NODES; room *= 2) {
      // of more epochs than that the latest are told
      long records =
          Math.min(Math.max(1, epoch), MAX_EPOCH_LOG_BYTES / EpochRecord.sizeBytes(room));
      ByteBuffer body = ByteBuffer.allocate((int) records * EpochRecord.sizeBytes(room));
      RequestFields fields = new RequestFields.ClusterWide(0, 0, 0, 0, 0, 0, room, 0);
      ResponseHeader answer = query(Opcode.STAT_CLUSTER, fields, body);
      if (answer.result() != ResultCode.BUFFER_SMALL) {
        return new Epochs(answer.result(), EpochRecord.decodeAll(body.flip(), room));
      }
    }
    throw new SheepException(ResultCode.BUFFER_SMALL, "list " + epoch + " epochs");
  }

  private static ClusterInfo.Epoch epoch(EpochRecord record) {
    return new ClusterInfo.Epoch(
        record.epoch(),
        Instant.ofEpochSecond(record.timeSeconds()),
        record.nodes().stream().map(NodeRecord::toNodeInfo).toList());
  }

  private ResponseHeader query(Opcode opcode, RequestFields fields, @Nullable ByteBuffer target)
      throws SheepException {
    return client.call(opcode, 0, fields, null, target, Repeat.ALWAYS);
  }

  private static void check(ResponseHeader answer, String what) throws SheepException {
    if (answer.result() != ResultCode.SUCCESS) {
      throw new SheepException(answer.result(), what);
    }
  }

  private static SheepException malformed(String what, IllegalArgumentException cause) {
    return new SheepException(ResultCode.SYSTEM_ERROR, "a sheep sent nonsense for " + what, cause);
  }

  @Override
  public void close() {
    vdis.close();
    client.close();
  }
}
