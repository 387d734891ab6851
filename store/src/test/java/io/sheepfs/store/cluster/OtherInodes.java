package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Nodes that may be asked how many copies the inode of a VDI says, and for nothing else. */
final class OtherInodes extends NoLinks {

  private final Map<Integer, Integer> copies = new ConcurrentHashMap<>();
  private final Set<Integer> unreadable = ConcurrentHashMap.newKeySet();
  private final AtomicInteger asked = new AtomicInteger();

  /** What the one at a port says; until then it has no inode. */
  void say(int port, int number) {
    copies.put(port, number);
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
    boolean isForNumber =
        header.obj().objectId().kind() == ObjectId.Kind.INODE
            && header.obj().offset() == InodeLayout.COPIES;
    if (!isForNumber || target == null) {
      throw new UnsupportedOperationException(header.toString());
    }
    Integer found = copies.get(node.getPort());
    if (found != null) {
      target.put(found.byteValue());
    }
    ResultCode result = found == null ? ResultCode.NO_OBJ : ResultCode.SUCCESS;
    if (unreadable.contains(node.getPort())) {
      result = ResultCode.EIO;
    }
    return ResponseHeader.to(header, header.epoch(), result, 0, new ResponseFields.None());
  }
}
