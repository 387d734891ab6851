package io.sheepfs.store.cluster;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
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
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.store.vdi.Headers;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The operations of one sheep on the objects of another, each as of an epoch. They are the
 * original's, with these fields of ours: a change carries its number in {@code cow_oid} and in
 * {@code tgt_epoch} how many before it may be unfinished; an answer to READ_PEER tells in {@code
 * offset} how many bytes are stored, and for recovery, as that to GET_HASH, in the byte of {@code
 * copies} whether the node serves clients; WRITE_PEER with the flag DELETE zeroes, from {@code
 * offset} to the first number of its body, in an object of the size that is the second; FLUSH_PEER
 * with DIRECT is about one object, with FORWARD about the names; GET_OBJ_LIST with an inode is
 * about the data of that VDI, with DIRECT about inodes only; GET_HASH and REPAIR_REPLICA with
 * RECOVERY are of an epoch; with DIRECT, too, they are about an object that the leader lets nobody
 * change.
 *
 * <p>Safe for any number of threads.
 */
final class PeerCalls {

  private static final int FIRST_LIST_BYTES = 1 << 14;

  /** Of more inodes the other one has to look twice. */
  private static final int FIRST_INODES_BYTES = 1 << 20;

  private static final int MAX_LIST_BYTES = 1 << 28;

  private final PeerLinks links;
  private final PeerLinks recoveryLinks;
  private final Service others = new Service(System::nanoTime);

  /**
   * The calls over some connections.
   *
   * @param recoveryLinks for what an operation over {@code links} may wait for: it must not stand
   *     in line behind others of those
   */
  PeerCalls(PeerLinks links, PeerLinks recoveryLinks) {
    this.links = links;
    this.recoveryLinks = recoveryLinks;
  }

  /** The number of a change, and of the oldest that may be unfinished. */
  record Sequence(long number, long oldestUnfinished) {}

  static InetSocketAddress address(NodeInfo node) {
    return new InetSocketAddress(node.address(), node.port());
  }

  private ResponseHeader call(
      NodeInfo node,
      int epoch,
      Opcode opcode,
      int flags,
      RequestFields fields,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target)
      throws IOException {
    int all = source == null ? flags : flags | RequestFlags.WRITE;
    long length = source != null ? source.remaining() : target != null ? target.remaining() : 0;
    RequestHeader header = RequestHeader.of(opcode, all, length, fields).withEpoch(epoch);
    boolean waitsForNobody = opcode != Opcode.REPAIR_REPLICA && header.has(RequestFlags.RECOVERY);
    ResponseHeader answer;
    long begin = Stage.begin();
    try {
      answer =
          (waitsForNobody ? recoveryLinks : links).exchange(address(node), header, source, target);
    } finally {
      long unused = stage(opcode).end(begin);
    }
    if (answer.result() != ResultCode.SUCCESS) {
      throw new SheepException(answer.result(), header + " at port " + node.port());
    }
    return answer;
  }

  private static Stage stage(Opcode opcode) {
    return switch (opcode) {
      case READ_PEER -> Stage.PEER_READ;
      case WRITE_PEER, CREATE_AND_WRITE_PEER -> Stage.PEER_WRITE;
      case FLUSH_PEER -> Stage.PEER_FLUSH;
      default -> Stage.PEER_OTHER;
    };
  }

  private static RequestFields.Obj change(ObjectId oid, Sequence sequence, long offset) {
    int distance = (int) (sequence.number() - sequence.oldestUnfinished());
    return new RequestFields.Obj(oid.value(), sequence.number(), 0, 0, 0, distance, offset);
  }

  private static int flags(Durability durability) {
    return durability == Durability.UNSTABLE ? RequestFlags.CACHE : 0;
  }

  void read(NodeInfo node, int epoch, int flags, ObjectId oid, long offset, ByteBuffer dst)
      throws IOException {
    ResponseHeader unused =
        call(node, epoch, Opcode.READ_PEER, flags, RequestFields.Obj.of(oid, offset), null, dst);
  }

  /** An answer for recovery tells, too, whether the other one serves clients. */
  long storedBytes(NodeInfo node, int epoch, int flags, ObjectId oid) throws IOException {
    RequestFields fields = RequestFields.Obj.of(oid, 0);
    ResponseFields.Obj answer =
        call(node, epoch, Opcode.READ_PEER, flags, fields, null, null).obj();
    if (answer.copies() != 0) {
      others.served();
    }
    return answer.offset();
  }

  /**
   * The header of an inode, for recovery; null if it cannot be believed, as the disk of that node
   * has changed it.
   */
  @Nullable InodeHeader header(NodeInfo node, int epoch, ObjectId inode) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    read(node, epoch, RequestFlags.RECOVERY, inode, 0, bytes);
    return Headers.sound(inode.vid(), bytes.flip());
  }

  /** Whether nodes from which this one takes objects serve clients. */
  boolean areOthersBusy() {
    return others.isBusy();
  }

  /** For recovery: the answer tells, too, whether the other one serves clients. */
  byte[] digest(NodeInfo node, int epoch, ObjectId oid) throws IOException {
    RequestFields fields = RequestFields.Obj.of(oid, 0);
    ResponseFields.Hash answer =
        call(node, epoch, Opcode.GET_HASH, RequestFlags.RECOVERY, fields, null, null).hash();
    if (answer.isServing()) {
      others.served();
    }
    return answer.digest();
  }

  /** Fails with EIO if the disk has changed the object. */
  byte[] checkedDigest(NodeInfo node, int epoch, ObjectId oid) throws IOException {
    RequestFields fields = RequestFields.Obj.of(oid, 0);
    int flags = RequestFlags.RECOVERY | RequestFlags.DIRECT;
    return call(node, epoch, Opcode.GET_HASH, flags, fields, null, null).hash().digest();
  }

  /** The space of a node's disk, in whatever epoch. */
  Space space(NodeInfo node) throws IOException {
    RequestFields none = new RequestFields.None();
    ResponseFields.Node told = call(node, 0, Opcode.STAT_SHEEP, 0, none, null, null).node();
    return new Space(told.storeSize(), told.storeFree());
  }

  void write(
      NodeInfo node, int epoch, Sequence n, ObjectId oid, long offset, ByteBuffer src, Durability d)
      throws IOException {
    ResponseHeader unused =
        call(node, epoch, Opcode.WRITE_PEER, flags(d), change(oid, n, offset), src, null);
  }

  void create(
      NodeInfo node, int epoch, Sequence n, ObjectId oid, long offset, ByteBuffer src, Durability d)
      throws IOException {
    Opcode opcode = Opcode.CREATE_AND_WRITE_PEER;
    ResponseHeader unused = call(node, epoch, opcode, flags(d), change(oid, n, offset), src, null);
  }

  void zero(NodeInfo node, int epoch, Sequence n, ObjectId oid, Replica.Range range, Durability d)
      throws IOException {
    ByteBuffer body = ByteBuffer.allocate(2 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    body.putLong(range.end()).putLong(range.sizeBytes()).flip();
    int flags = flags(d) | RequestFlags.DELETE;
    ResponseHeader unused =
        call(node, epoch, Opcode.WRITE_PEER, flags, change(oid, n, range.start()), body, null);
  }

  void remove(NodeInfo node, int epoch, Sequence n, ObjectId oid) throws IOException {
    ResponseHeader unused = call(node, epoch, Opcode.REMOVE_PEER, 0, change(oid, n, 0), null, null);
  }

  void flush(NodeInfo node, int epoch, VdiId vid) throws IOException {
    flush(node, epoch, 0, ObjectId.inode(vid));
  }

  void force(NodeInfo node, int epoch, ObjectId oid) throws IOException {
    flush(node, epoch, RequestFlags.DIRECT, oid);
  }

  void forceNames(NodeInfo node, int epoch) throws IOException {
    flush(node, epoch, RequestFlags.FORWARD, ObjectId.inode(new VdiId(1)));
  }

  private void flush(NodeInfo node, int epoch, int flags, ObjectId oid) throws IOException {
    ResponseHeader unused =
        call(node, epoch, Opcode.FLUSH_PEER, flags, RequestFields.Obj.of(oid, 0), null, null);
  }

  /** Has {@code node} take an object anew from {@code source}. */
  void repair(NodeInfo node, int epoch, ObjectId oid, NodeInfo source) throws IOException {
    RequestFields fields = new RequestFields.Forward(oid.value(), source.address(), source.port());
    ResponseHeader unused =
        call(node, epoch, Opcode.REPAIR_REPLICA, RequestFlags.RECOVERY, fields, null, null);
  }

  /** The same while changes go on, but not of this object. */
  void replace(NodeInfo node, int epoch, ObjectId oid, NodeInfo source) throws IOException {
    RequestFields fields = new RequestFields.Forward(oid.value(), source.address(), source.port());
    int flags = RequestFlags.RECOVERY | RequestFlags.DIRECT;
    ResponseHeader unused = call(node, epoch, Opcode.REPAIR_REPLICA, flags, fields, null, null);
  }

  /** The ids of all objects of a node. */
  List<ObjectId> list(NodeInfo node, int epoch) throws IOException {
    return list(node, epoch, 0, new RequestFields.None(), FIRST_LIST_BYTES);
  }

  /** Those of its inodes. */
  List<ObjectId> inodes(NodeInfo node, int epoch) throws IOException {
    return list(node, epoch, RequestFlags.DIRECT, new RequestFields.None(), FIRST_INODES_BYTES);
  }

  /** The ids of the data objects of a VDI that a node has. */
  List<ObjectId> dataOf(NodeInfo node, int epoch, VdiId vid) throws IOException {
    return list(node, epoch, 0, RequestFields.Obj.of(ObjectId.inode(vid), 0), FIRST_LIST_BYTES);
  }

  private List<ObjectId> list(
      NodeInfo node, int epoch, int flags, RequestFields which, int firstRoom) throws IOException {
    for (int room = firstRoom; ; room *= 8) {
      ByteBuffer body = ByteBuffer.allocate(room).order(ByteOrder.LITTLE_ENDIAN);
      try {
        int all = flags | RequestFlags.RECOVERY;
        ResponseHeader unused = call(node, epoch, Opcode.GET_OBJ_LIST, all, which, null, body);
      } catch (SheepException e) {
        if (e.result() == ResultCode.BUFFER_SMALL && room < MAX_LIST_BYTES) {
          continue;
        }
        throw e;
      }
      body.flip();
      List<ObjectId> oids = new ArrayList<>(body.remaining() / Long.BYTES);
      while (body.hasRemaining()) {
        oids.add(new ObjectId(body.getLong()));
      }
      return oids;
    }
  }
}
