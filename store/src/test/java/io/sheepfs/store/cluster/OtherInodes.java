package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiId;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Nodes that may be asked for the inode of a VDI, and for nothing else. */
final class OtherInodes extends NoLinks {

  static final VdiId VID = new VdiId(7);

  private final Map<Integer, ByteBuffer> inodes = new ConcurrentHashMap<>();
  private final Set<Integer> unreadable = ConcurrentHashMap.newKeySet();
  private final AtomicInteger asked = new AtomicInteger();

  /** What the one at a port says; until then it has no inode. */
  void say(int port, int number) {
    inodes.put(port, inode(number));
  }

  /** The header of an inode that says so. */
  static ByteBuffer inode(int copies) {
    byte[] name = {'v'};
    byte[] tag = {};
    return new InodeHeader(name, tag, 1, 0, 0, 1 << 20, 0, 0, 0, copies, 22, 1, VID.value(), 0, 0)
        .encode();
  }

  /** It says that it is deleted. */
  void sayDeleted(int port) {
    ByteBuffer tombstone = inode(1);
    tombstone.put(0, "\0deleted\0".getBytes(StandardCharsets.US_ASCII));
    inodes.put(port, tombstone);
  }

  /** The disk of the one at a port gives back zeros. */
  void hasZeros(int port) {
    inodes.put(port, ByteBuffer.allocate(InodeLayout.HEADER_BYTES));
  }

  void cannotRead(int port) {
    unreadable.add(port);
  }

  /** How often any was asked. */
  int asked() {
    return asked.get();
  }

  @Override
  public ResponseHeader exchange(
      InetSocketAddress node,
      RequestHeader header,
      @Nullable ByteBuffer body,
      @Nullable ByteBuffer target) {
    asked.incrementAndGet();
    if (header.opcode() == Opcode.GET_OBJ_LIST && target != null) {
      target.putLong(ObjectId.inode(VID).value());
      return ResponseHeader.to(
          header, header.epoch(), ResultCode.SUCCESS, 0, new ResponseFields.None());
    }
    if (header.opcode() != Opcode.READ_PEER
        || !header.obj().objectId().equals(ObjectId.inode(VID))) {
      throw new UnsupportedOperationException(header.toString());
    }
    ByteBuffer found = inodes.get(node.getPort());
    if (found != null && target != null) {
      target.put(found.slice((int) header.obj().offset(), target.remaining()));
    }
    ResultCode result = found == null ? ResultCode.NO_OBJ : ResultCode.SUCCESS;
    if (unreadable.contains(node.getPort())) {
      result = ResultCode.EIO;
    }
    return ResponseHeader.to(header, header.epoch(), result, 0, new ResponseFields.None());
  }
}
