package io.sheepfs.store.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.cluster.ClusterSheep;
import io.sheepfs.store.cluster.CopyCheck;
import io.sheepfs.store.cluster.Replica;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The operations on the objects of one node of a cluster, each named after its opcode. */
final class PeerHandlers {

  private static final Logger log = LoggerFactory.getLogger(PeerHandlers.class);

  private final ClusterSheep sheep;
  private final Replica replica;
  private final int maxBodyBytes;
  private final Runnable shutdown;

  PeerHandlers(ClusterSheep sheep, int maxBodyBytes, Runnable shutdown) {
    this.sheep = sheep;
    this.replica = sheep.replica();
    this.maxBodyBytes = maxBodyBytes;
    this.shutdown = shutdown;
  }

  private static Durability durability(Request request) {
    return request.header().has(RequestFlags.CACHE) ? Durability.UNSTABLE : Durability.STABLE;
  }

  private static boolean isRecovery(Request request) {
    return request.header().has(RequestFlags.RECOVERY);
  }

  /**
   * The body has the length that was asked for. If none was, the answer tells how much is stored,
   * and whoever recovers from here, with a 1 in {@code copies}, that clients are served.
   */
  Answer readPeer(Request request) throws SheepException {
    RequestHeader header = request.header();
    RequestFields.Obj fields = header.obj();
    ObjectId oid = fields.objectId();
    int length = (int) Math.min(header.answerLimit(), Integer.MAX_VALUE);
    if (length > maxBodyBytes) {
      throw new SheepException(ResultCode.INVALID_PARMS, "read of " + length + " bytes of " + oid);
    }
    if (length == 0) {
      long stored = replica.storedBytes(header.epoch(), isRecovery(request), oid);
      boolean isBusy = isRecovery(request) && replica.isServing();
      return Answer.fields(new ResponseFields.Obj(isBusy ? 1 : 0, stored));
    }
    ByteBuf body = request.allocator().directBuffer(length);
    boolean done = false;
    try {
      ByteBuffer target = body.internalNioBuffer(0, length);
      replica.read(header.epoch(), isRecovery(request), oid, fields.offset(), target);
      body.writerIndex(length);
      done = true;
      return Answer.body(body);
    } finally {
      if (!done) {
        body.release();
      }
    }
  }

  /** With the flag DELETE, the body tells what becomes zeros. */
  Answer writePeer(Request request) throws SheepException {
    RequestHeader header = request.header();
    RequestFields.Obj fields = header.obj();
    ByteBuffer body = request.bytes();
    if (header.has(RequestFlags.DELETE)) {
      body.order(ByteOrder.LITTLE_ENDIAN);
      if (body.remaining() != 2 * Long.BYTES) {
        throw new SheepException(ResultCode.INVALID_PARMS, "a range of " + body.remaining());
      }
      replica.zero(
          header.epoch(),
          fields.cowOid(),
          fields.targetEpoch(),
          fields.objectId(),
          fields.offset(),
          body.getLong(),
          body.getLong(),
          durability(request));
    } else {
      replica.write(
          header.epoch(),
          fields.cowOid(),
          fields.targetEpoch(),
          fields.objectId(),
          fields.offset(),
          body,
          durability(request));
    }
    return Answer.SUCCESS;
  }

  /** Replaces the object if there is one. */
  Answer createAndWritePeer(Request request) throws SheepException {
    RequestHeader header = request.header();
    RequestFields.Obj fields = header.obj();
    replica.create(
        header.epoch(),
        fields.cowOid(),
        fields.targetEpoch(),
        fields.objectId(),
        fields.offset(),
        request.bytes(),
        durability(request));
    return Answer.SUCCESS;
  }

  /** An object that is not there is a success. */
  Answer removePeer(Request request) throws SheepException {
    RequestFields.Obj fields = request.header().obj();
    replica.remove(
        request.header().epoch(), fields.cowOid(), fields.targetEpoch(), fields.objectId());
    return Answer.SUCCESS;
  }

  /** A VDI; with DIRECT one object; with FORWARD the names. */
  Answer flushPeer(Request request) throws SheepException {
    RequestHeader header = request.header();
    ObjectId oid = header.obj().objectId();
    if (header.has(RequestFlags.DIRECT)) {
      replica.force(header.epoch(), oid);
    } else if (header.has(RequestFlags.FORWARD)) {
      replica.forceNames(header.epoch());
    } else {
      replica.flush(header.epoch(), oid.vid());
    }
    return Answer.SUCCESS;
  }

  /**
   * From a sheep: takes the object from the node that is named. From a client, here at the leader:
   * compares all copies while nobody changes the object, repairs those that are wrong, and tells
   * how many, with a 1 in {@code offset}.
   */
  Answer repairReplica(Request request) throws SheepException {
    RequestFields.Forward fields = request.header().forward();
    ObjectId oid = new ObjectId(fields.oid());
    if (!isRecovery(request)) {
      CopyCheck.Finding finding = sheep.leadership().check(oid);
      return finding.isSound()
          ? Answer.fields(new ResponseFields.Obj(finding.repaired(), 1))
          : Answer.of(ResultCode.EIO);
    }
    NodeInfo source = new NodeInfo(fields.address(), fields.port(), 0, 0, 0);
    if (request.header().has(RequestFlags.DIRECT)) {
      replica.replace(request.header().epoch(), oid, source);
    } else {
      replica.repair(request.header().epoch(), oid, source);
    }
    return Answer.SUCCESS;
  }

  /**
   * The ids of all objects here, ascending; with DIRECT, those of the inodes; with an inode, those
   * of the data of that VDI.
   */
  Answer getObjList(Request request) throws SheepException {
    RequestFields.Obj fields = request.header().obj();
    List<ObjectId> oids;
    if (fields.oid() != 0) {
      oids = replica.dataOf(fields.objectId().vid());
    } else {
      oids = request.header().has(RequestFlags.DIRECT) ? replica.inodes() : replica.list();
    }
    if ((long) oids.size() * Long.BYTES > request.header().answerLimit()) {
      return Answer.of(ResultCode.BUFFER_SMALL);
    }
    ByteBuffer body = ByteBuffer.allocate(oids.size() * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    oids.forEach(oid -> body.putLong(oid.value()));
    return Answer.body(body.flip());
  }

  /**
   * The SHA-1 of what is stored of the object here, without the zeros at its end. But for recovery,
   * EIO if the disk has changed it.
   */
  Answer getHash(Request request) throws SheepException {
    RequestHeader header = request.header();
    ObjectId oid = header.obj().objectId();
    int epoch = isRecovery(request) ? header.epoch() : sheep.epoch();
    if (isRecovery(request) && !header.has(RequestFlags.DIRECT)) {
      byte[] digest = replica.digest(epoch, oid);
      return Answer.fields(new ResponseFields.Hash(digest, replica.isServing()));
    }
    return Answer.fields(new ResponseFields.Hash(replica.checkedDigest(epoch, oid)));
  }

  /** Says whether this node has the object. */
  Answer exist(Request request) throws SheepException {
    boolean exists = replica.exists(request.header().obj().objectId());
    return Answer.of(exists ? ResultCode.SUCCESS : ResultCode.NO_OBJ);
  }

  /** Of the objects in the body, sends back those that are missing here; NO_OBJ if any is. */
  Answer oidsExist(Request request) throws SheepException {
    ByteBuffer asked = request.bytes().order(ByteOrder.LITTLE_ENDIAN);
    if (asked.remaining() % Long.BYTES != 0) {
      throw new SheepException(ResultCode.INVALID_PARMS, asked.remaining() + " bytes of ids");
    }
    ByteBuffer missing = ByteBuffer.allocate(asked.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    while (asked.hasRemaining()) {
      long value = asked.getLong();
      if (!ObjectId.isValid(value) || !replica.exists(new ObjectId(value))) {
        missing.putLong(value);
      }
    }
    missing.flip();
    return missing.hasRemaining()
        ? new Answer(ResultCode.NO_OBJ, new ResponseFields.None(), Unpooled.wrappedBuffer(missing))
        : Answer.SUCCESS;
  }

  /** How far this node is with catching up. */
  Answer statRecovery(Request request) {
    return Answer.body(sheep.recovery().encode());
  }

  /** Ends all sheep; one that cannot be told stays. */
  Answer shutdown(Request request) throws SheepException {
    for (NodeInfo other : sheep.others()) {
      RequestHeader kill = RequestHeader.of(Opcode.KILL_NODE, 0, 0, new RequestFields.None());
      try {
        InetSocketAddress address = new InetSocketAddress(other.address(), other.port());
        ResponseHeader unused = sheep.links().exchange(address, kill, null, null);
      } catch (IOException e) {
        log.warn("the sheep at {} does not hear of the shutdown: {}", other, e.toString());
      }
    }
    shutdown.run();
    return Answer.SUCCESS;
  }
}
