package io.sheepfs.store.server;

import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.ClusterRecord;
import io.sheepfs.protocol.DiskList;
import io.sheepfs.protocol.EpochRecord;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.RecoveryThrottle;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.SheepNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/** The operations on the node and the cluster, each named after its opcode. */
final class NodeHandlers {

  /** {@code SD_CLUSTER_FLAG_AUTO_VNODES}. */
  private static final int AUTO_VNODES = 0x0004;

  private static final int DEFAULT_LOG_LEVEL = 6;
  private static final int MAX_LOG_LEVEL = 7;

  private final SheepNode sheep;
  private final Counters counters;
  private final int maxBlockSizeShift;
  private final Runnable shutdown;
  private volatile boolean recoveryDisabled;
  private volatile int logLevel = DEFAULT_LOG_LEVEL;
  private volatile RecoveryThrottle throttle = new RecoveryThrottle(0, 0, false);

  /**
   * The operations of one node.
   *
   * @param maxBlockSizeShift that a cluster can be formatted with
   * @param shutdown asks for the end of the process; returns at once
   */
  NodeHandlers(SheepNode sheep, Counters counters, int maxBlockSizeShift, Runnable shutdown) {
    this.sheep = sheep;
    this.counters = counters;
    this.maxBlockSizeShift = maxBlockSizeShift;
    this.shutdown = shutdown;
  }

  private List<NodeRecord> nodes() throws SheepException {
    return sheep.nodes().stream().map(NodeRecord::of).toList();
  }

  private static ByteBuffer number(int value) {
    return ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(0, value);
  }

  /** What a new VDI gets if its creator asks for nothing else. */
  Answer getClusterDefault(Request request) throws SheepException {
    ClusterInfo info = sheep.info();
    return Answer.fields(
        new ResponseFields.ClusterDefault(info.copies(), 0, info.blockSizeShift()));
  }

  /**
   * The nodes, by id; a single node alone. A one in the place of the free space tells a client that
   * another node would serve it better; the original leaves a zero there.
   */
  Answer getNodeList(Request request) throws SheepException {
    List<NodeRecord> nodes = nodes();
    boolean isAside = sheep.isAside();
    if (isAside && request.connection() instanceof Caller client) {
      client.turnAway();
    }
    return new Answer(
        ResultCode.SUCCESS,
        new ResponseFields.Node(nodes.size(), 0, isAside ? 1 : 0),
        Unpooled.wrappedBuffer(NodeRecord.encodeAll(nodes)));
  }

  /** Empties the store and starts a new cluster. The body names the store driver. */
  Answer makeFs(Request request) throws SheepException {
    RequestFields.ClusterWide fields = request.header().cluster();
    if (fields.copyPolicy() != 0) {
      throw new SheepException(ResultCode.NO_SUPPORT, "erasure codes");
    }
    if (fields.blockSizeShift() > maxBlockSizeShift) {
      throw new SheepException(
          ResultCode.INVALID_PARMS, "block size shift over " + maxBlockSizeShift);
    }
    String driver = request.body().toString(StandardCharsets.UTF_8);
    int end = driver.indexOf('\0');
    long createTime = fields.createTime();
    if (createTime == 0) {
      throw new SheepException(ResultCode.INVALID_PARMS, "format without a time");
    }
    sheep.format(
        createTime,
        fields.copies(),
        fields.blockSizeShift(),
        fields.flags(),
        end < 0 ? driver : driver.substring(0, end));
    return Answer.SUCCESS;
  }

  /** Ends the process when what is under way is answered. */
  Answer shutdown(Request request) {
    shutdown.run();
    return Answer.SUCCESS;
  }

  /** Size and free space of the disk. */
  Answer statSheep(Request request) throws SheepException {
    Space space = sheep.space();
    return Answer.fields(new ResponseFields.Node(0, space.totalBytes(), space.freeBytes()));
  }

  /** The epochs, newest first, as many as the sender has room for. */
  Answer statCluster(Request request) throws SheepException {
    if (sheep.state() != ResultCode.SUCCESS) {
      return Answer.of(sheep.state());
    }
    int room = request.header().cluster().nodes();
    long limit = request.header().answerLimit();
    if (room < 0 || room > ClusterRecord.MAX_NODES) {
      throw new SheepException(ResultCode.INVALID_PARMS, "room for " + room + " nodes");
    }
    ClusterInfo info = sheep.info();
    List<EpochRecord> records = new ArrayList<>();
    for (ClusterInfo.Epoch epoch : info.epochs()) {
      if ((records.size() + 1L) * EpochRecord.sizeBytes(room) > limit) {
        break;
      }
      if (room > 0 && epoch.members().size() > room) {
        return Answer.of(ResultCode.BUFFER_SMALL);
      }
      records.add(record(epoch, info, records.isEmpty(), room));
    }
    return Answer.body(EpochRecord.encodeAll(records, room));
  }

  /** Without room for nodes, the sender wants to know the cluster, and the epoch stays bare. */
  private EpochRecord record(ClusterInfo.Epoch epoch, ClusterInfo info, boolean first, int room) {
    List<NodeRecord> members =
        room == 0 ? List.of() : epoch.members().stream().map(NodeRecord::of).toList();
    return new EpochRecord(
        first ? sheep.createTime() : 0,
        room == 0 ? 0 : epoch.started().getEpochSecond(),
        epoch.number(),
        members.size(),
        first && (recoveryDisabled || info.recoveryDisabled()),
        first ? info.copies() : 0,
        0,
        first ? info.flags() : 0,
        first ? info.storeDriver() : "",
        members);
  }

  /** Only for a cluster that waits for nodes, which a single node never does. */
  Answer forceRecover(Request request) {
    return Answer.of(ResultCode.FORCE_RECOVER);
  }

  /** The names of the store drivers that can be asked for. */
  Answer getStoreList(Request request) {
    return Answer.body(Unpooled.copiedBuffer("plain tree ", StandardCharsets.US_ASCII));
  }

  /** For what has nothing to do on a single node: no stale objects, no recovery, no cache. */
  Answer nothingToDo(Request request) {
    return Answer.SUCCESS;
  }

  /** For what 1.0 dropped, too. */
  Answer invalid(Request request) {
    return Answer.of(ResultCode.INVALID_PARMS);
  }

  /** For what needs other nodes, or is not built. */
  Answer notSupported(Request request) {
    return Answer.of(ResultCode.NO_SUPPORT);
  }

  /** A single node never recovers. */
  Answer statRecovery(Request request) {
    return Answer.body(new RecoveryProgress(false, 0, 0, 0).encode());
  }

  Answer enableRecover(Request request) {
    recoveryDisabled = false;
    return Answer.SUCCESS;
  }

  Answer disableRecover(Request request) {
    recoveryDisabled = true;
    return Answer.SUCCESS;
  }

  /** The disks of the node; the sender must have room for all there could be. */
  Answer mdInfo(Request request) throws SheepException {
    if (request.header().answerLimit() != DiskList.SIZE_BYTES) {
      throw new SheepException(ResultCode.INVALID_PARMS, "a disk list of another size");
    }
    List<DiskList.Disk> disks = new ArrayList<>();
    for (Path path : sheep.disks()) {
      Space space = sheep.spaceOf(path);
      disks.add(
          new DiskList.Disk(disks.size(), space.freeBytes(), space.usedBytes(), path.toString()));
    }
    return Answer.body(new DiskList(disks).encode().rewind());
  }

  /** What the node did since it started. */
  Answer stat(Request request) {
    return Answer.body(counters.snapshot().encode());
  }

  Answer getLogLevel(Request request) {
    return Answer.body(number(logLevel));
  }

  /** A syslog level, 0 to 7. */
  Answer setLogLevel(Request request) throws SheepException {
    ByteBuffer body = request.bytes().order(ByteOrder.LITTLE_ENDIAN);
    int level = body.remaining() < Integer.BYTES ? -1 : body.getInt();
    if (level < 0 || level > MAX_LOG_LEVEL) {
      throw new SheepException(ResultCode.INVALID_PARMS, "log level " + level);
    }
    logLevel = level;
    return Answer.SUCCESS;
  }

  /** The cluster as its nodes tell each other; always of full length. */
  Answer clusterInfo(Request request) throws SheepException {
    ClusterInfo info = sheep.info();
    boolean runs = sheep.state() == ResultCode.SUCCESS;
    boolean formatted = sheep.createTime() != 0;
    ClusterRecord cluster =
        new ClusterRecord(
            Opcode.INTERNAL_VERSION,
            recoveryDisabled || info.recoveryDisabled(),
            runs ? 1 : 0,
            sheep.createTime(),
            // what the original's dog takes as leave to format without naming a number of vnodes
            runs ? info.flags() : info.flags() | AUTO_VNODES,
            formatted ? info.copies() : 0,
            0,
            runs ? ClusterRecord.STATUS_OK : ClusterRecord.STATUS_WAIT,
            formatted ? info.blockSizeShift() : 0,
            runs ? info.storeDriver() : "",
            formatted ? nodes() : List.of());
    return Answer.body(cluster.encode());
  }

  /** The nodes of an epoch, and when it began. */
  Answer getEpoch(Request request) throws SheepException {
    int wanted = request.header().obj().targetEpoch();
    for (ClusterInfo.Epoch epoch : sheep.info().epochs()) {
      if (epoch.number() == wanted) {
        List<NodeRecord> members = epoch.members().stream().map(NodeRecord::of).toList();
        return Answer.body(
            Unpooled.wrappedBuffer(NodeRecord.encodeAll(members), seconds(epoch.started())));
      }
    }
    return Answer.of(ResultCode.NO_TAG);
  }

  private static ByteBuffer seconds(Instant time) {
    return ByteBuffer.allocate(Long.BYTES)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(0, time.getEpochSecond());
  }

  /** No lock state is ever handed over on a single node. */
  Answer vdiStateCheckpointCtl(Request request) {
    return Answer.of(ResultCode.NO_CHECKPOINT_ENTRY);
  }

  Answer getRecovery(Request request) {
    return Answer.body(throttle.encode());
  }

  Answer setRecovery(Request request) {
    throttle = RecoveryThrottle.decode(request.bytes());
    return Answer.SUCCESS;
  }

  Answer getVnodes(Request request) throws SheepException {
    return Answer.body(number(sheep.self().virtualNodes()));
  }

  /** Where the cluster chooses the number of virtual nodes, nobody else can. */
  Answer setVnodes(Request request) {
    return Answer.of(
        (sheep.flags() & AUTO_VNODES) != 0
            ? ResultCode.INVALID_VNODES_STRATEGY
            : ResultCode.NO_SUPPORT);
  }
}
