package io.sheepfs.store.server;

import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.cluster.ClusterSheep;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the handler of a request, after the checks that come before any handler: the version, the
 * opcode, whether the cluster runs. Safe for any number of threads.
 */
final class Dispatcher {

  private static final Logger log = LoggerFactory.getLogger(Dispatcher.class);

  private static final int MAX_LIST_BYTES = 1 << 20;

  private final SheepNode sheep;
  private final @Nullable ClusterRouter router;
  private final @Nullable Access access;
  private final Map<Opcode, Handler> handlers = new EnumMap<>(Opcode.class);

  Dispatcher(SheepNode sheep, Counters counters, ServerOptions options, Runnable shutdown) {
    this.sheep = sheep;
    add(new ObjectHandlers(sheep, options.maxBodyBytes()));
    add(new VdiHandlers(sheep, options.maxBlockSizeShift()));
    handlers.put(Opcode.GET_VDI_ATTR, new AttributeHandlers(sheep)::getVdiAttr);
    add(new NodeHandlers(sheep, counters, options.maxBlockSizeShift(), shutdown));
    this.router = sheep instanceof ClusterSheep cluster ? new ClusterRouter(cluster) : null;
    AllowListFile allowed = options.allowed();
    this.access = allowed == null ? null : new Access(allowed, sheep, this::answer);
    if (sheep instanceof ClusterSheep cluster) {
      add(new PeerHandlers(cluster, options.maxBodyBytes(), shutdown));
      add(new OrderHandlers(cluster.orders()));
      DiskHandlers disks = new DiskHandlers(cluster.departures());
      handlers.put(Opcode.MD_PLUG, disks::mdPlug);
      handlers.put(Opcode.MD_UNPLUG, disks::mdUnplug);
    }
  }

  private void add(PeerHandlers peers) {
    handlers.put(Opcode.CREATE_AND_WRITE_PEER, peers::createAndWritePeer);
    handlers.put(Opcode.READ_PEER, peers::readPeer);
    handlers.put(Opcode.WRITE_PEER, peers::writePeer);
    handlers.put(Opcode.REMOVE_PEER, peers::removePeer);
    handlers.put(Opcode.FLUSH_PEER, peers::flushPeer);
    handlers.put(Opcode.REPAIR_REPLICA, peers::repairReplica);
    handlers.put(Opcode.GET_OBJ_LIST, peers::getObjList);
    handlers.put(Opcode.GET_HASH, peers::getHash);
    handlers.put(Opcode.EXIST, peers::exist);
    handlers.put(Opcode.OIDS_EXIST, peers::oidsExist);
    handlers.put(Opcode.STAT_RECOVERY, peers::statRecovery);
    handlers.put(Opcode.SHUTDOWN, peers::shutdown);
  }

  private void add(OrderHandlers orders) {
    handlers.put(Opcode.REWEIGHT, orders::reweight);
    handlers.put(Opcode.ALTER_CLUSTER_COPY, orders::alterClusterCopy);
    handlers.put(Opcode.ALTER_VDI_COPY, orders::alterVdiCopy);
    handlers.put(Opcode.ENABLE_RECOVER, orders::enableRecover);
    handlers.put(Opcode.DISABLE_RECOVER, orders::disableRecover);
    handlers.put(Opcode.FORCE_RECOVER, orders::forceRecover);
  }

  /** A client is gone. */
  void disconnected(Object connection) {
    if (router != null) {
      router.disconnected(connection);
    }
  }

  private void add(ObjectHandlers objects) {
    handlers.put(Opcode.READ_OBJ, objects::readObj);
    handlers.put(Opcode.WRITE_OBJ, objects::writeObj);
    handlers.put(Opcode.CREATE_AND_WRITE_OBJ, objects::createAndWriteObj);
    handlers.put(Opcode.REMOVE_OBJ, objects::removeObj);
    handlers.put(Opcode.DISCARD_OBJ, objects::discardObj);
    handlers.put(Opcode.FLUSH_VDI, objects::flushVdi);
    handlers.put(Opcode.READ_PEER, objects::readObj);
    handlers.put(Opcode.EXIST, objects::exist);
    handlers.put(Opcode.GET_HASH, objects::getHash);
    handlers.put(Opcode.OIDS_EXIST, objects::oidsExist);
    handlers.put(Opcode.GET_OBJ_LIST, objects::getObjList);
  }

  private void add(VdiHandlers vdis) {
    handlers.put(Opcode.GET_VDI_INFO, vdis::getVdiInfo);
    handlers.put(Opcode.NEW_VDI, vdis::newVdi);
    handlers.put(Opcode.DEL_VDI, vdis::delVdi);
    handlers.put(Opcode.LOCK_VDI, vdis::lockVdi);
    handlers.put(Opcode.RELEASE_VDI, vdis::releaseVdi);
    handlers.put(Opcode.READ_VDIS, vdis::readVdis);
    handlers.put(Opcode.READ_DEL_VDIS, vdis::readDelVdis);
    handlers.put(Opcode.GET_VDI_COPIES, vdis::getVdiCopies);
    handlers.put(Opcode.ALTER_VDI_COPY, vdis::alterVdiCopy);
  }

  private void add(NodeHandlers node) {
    handlers.put(Opcode.GET_CLUSTER_DEFAULT, node::getClusterDefault);
    handlers.put(Opcode.GET_NODE_LIST, node::getNodeList);
    handlers.put(Opcode.MAKE_FS, node::makeFs);
    handlers.put(Opcode.SHUTDOWN, node::shutdown);
    handlers.put(Opcode.KILL_NODE, node::shutdown);
    handlers.put(Opcode.STAT_SHEEP, node::statSheep);
    handlers.put(Opcode.STAT_CLUSTER, node::statCluster);
    handlers.put(Opcode.FORCE_RECOVER, node::forceRecover);
    handlers.put(Opcode.GET_STORE_LIST, node::getStoreList);
    handlers.put(Opcode.CLEANUP, node::nothingToDo);
    handlers.put(Opcode.FLUSH_DEL_CACHE, node::nothingToDo);
    handlers.put(Opcode.DELETE_CACHE, node::nothingToDo);
    handlers.put(Opcode.NOTIFY_VDI_DEL, node::nothingToDo);
    handlers.put(Opcode.REWEIGHT, node::nothingToDo);
    handlers.put(Opcode.STAT_RECOVERY, node::statRecovery);
    handlers.put(Opcode.ENABLE_RECOVER, node::enableRecover);
    handlers.put(Opcode.DISABLE_RECOVER, node::disableRecover);
    handlers.put(Opcode.MD_INFO, node::mdInfo);
    handlers.put(Opcode.GET_CACHE_INFO, node::invalid);
    handlers.put(Opcode.CACHE_PURGE, node::invalid);
    handlers.put(Opcode.PREVENT_INODE_UPDATE, node::invalid);
    handlers.put(Opcode.ALLOW_INODE_UPDATE, node::invalid);
    handlers.put(Opcode.STAT, node::stat);
    handlers.put(Opcode.GET_LOGLEVEL, node::getLogLevel);
    handlers.put(Opcode.SET_LOGLEVEL, node::setLogLevel);
    handlers.put(Opcode.CLUSTER_INFO, node::clusterInfo);
    handlers.put(Opcode.GET_EPOCH, node::getEpoch);
    handlers.put(Opcode.VDI_STATE_CHECKPOINT_CTL, node::vdiStateCheckpointCtl);
    handlers.put(Opcode.GET_RECOVERY, node::getRecovery);
    handlers.put(Opcode.SET_RECOVERY, node::setRecovery);
    handlers.put(Opcode.GET_VNODES, node::getVnodes);
    handlers.put(Opcode.SET_VNODES, node::setVnodes);
    for (Opcode opcode : Opcode.values()) {
      handlers.putIfAbsent(opcode, node::notSupported);
    }
    LeaseCheck.install(sheep, handlers);
  }

  /** Puts an object cache before the store, before the first request. */
  void use(GatewayCache cache, int maxBodyBytes) {
    CacheHandlers.install(cache, sheep, maxBodyBytes, handlers);
    LeaseCheck.install(sheep, handlers);
  }

  /** Carries out a request of nobody, that is served in every state. */
  boolean answersItself() {
    RequestHeader header =
        RequestHeader.of(Opcode.GET_NODE_LIST, 0, MAX_LIST_BYTES, new RequestFields.None());
    Answer answer =
        answer(new Request(header, Unpooled.EMPTY_BUFFER, this, UnpooledByteBufAllocator.DEFAULT));
    answer.body().release();
    return answer.result() != ResultCode.SYSTEM_ERROR;
  }

  /** The epoch for the header of an answer. */
  int epoch() {
    return sheep.epoch();
  }

  /** Carries a request out. Whatever goes wrong is in the answer. */
  Answer answer(Request request) {
    RequestHeader header = request.header();
    if (!Opcode.accepts(header.opcodeCode(), header.protoVersion())) {
      return Answer.of(ResultCode.VER_MISMATCH);
    }
    Opcode opcode = header.opcode();
    Handler handler = opcode == null ? null : handlers.get(opcode);
    if (opcode == null || handler == null) {
      return Answer.of(ResultCode.INVALID_PARMS);
    }
    if (access == null) {
      return answer(request, opcode, handler);
    }
    Answer refusal = access.refusal(request, opcode);
    if (refusal != null) {
      return refusal;
    }
    Answer answer = answer(request, opcode, handler);
    return opcode == Opcode.READ_VDIS || opcode == Opcode.READ_DEL_VDIS
        ? access.visible(request, answer)
        : answer;
  }

  private Answer answer(Request request, Opcode opcode, Handler handler) {
    RequestHeader header = request.header();
    if (router != null && ClusterRouter.isForLeader(opcode, header)) {
      return router.answer(request, opcode, () -> carryOut(handler, request));
    }
    ResultCode state = sheep.state();
    // what sheep ask of each other has its epoch, and has to be served before the epoch is open
    boolean byEpoch = router != null && Lanes.isBetweenSheep(opcode);
    if (state != ResultCode.SUCCESS && !byEpoch && !opcode.servedWhileWaiting()) {
      return Answer.of(state);
    }
    return carryOut(handler, request);
  }

  private static Answer carryOut(Handler handler, Request request) {
    RequestHeader header = request.header();
    try {
      return fitting(handler.answer(request), header);
    } catch (SheepException e) {
      if (e.result() == ResultCode.EIO || e.result() == ResultCode.SYSTEM_ERROR) {
        log.warn("{} failed", header, e);
      } else {
        log.debug("{} is refused: {}", header, e.toString());
      }
      return Answer.of(e.result());
    } catch (IllegalArgumentException e) {
      log.debug("{} is impossible: {}", header, e.toString());
      return Answer.of(ResultCode.INVALID_PARMS);
    } catch (RuntimeException | Error e) {
      // an Error too, for the client waits for ever for an answer that does not come
      log.error("{} failed, which is a bug", header, e);
      return Answer.of(ResultCode.SYSTEM_ERROR);
    }
  }

  /** More than the sender reads would be taken for the next header. */
  private static Answer fitting(Answer answer, RequestHeader header) {
    if (answer.body().readableBytes() <= header.answerLimit()) {
      return answer;
    }
    answer.body().release();
    return new Answer(ResultCode.BUFFER_SMALL, new ResponseFields.None(), Unpooled.EMPTY_BUFFER);
  }
}
