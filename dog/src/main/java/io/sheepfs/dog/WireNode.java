package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A node in an answer.
 *
 * <pre>
 *  0 | pointers of the sender (24) | address (16) | port (u16) | second address and port (18)
 * 60 | padding (4) | nr_vnodes (u16) | padding (2) | zone (u32) | space (u64)
 * </pre>
 */
final class WireNode {

  static final int SIZE_BYTES = 80;

  /** More nodes the original cannot have. */
  static final int MAX_NODES = 6144;

  private static final int ADDRESS = 24;
  private static final int IPV4 = 36;
  private static final int ADDRESS_END = 40;
  private static final int PORT = 40;
  private static final int VIRTUAL_NODES = 64;
  private static final int ZONE = 68;
  private static final int SPACE = 72;

  private WireNode() {}

  /** So many nodes from {@code body}'s position on, which moves behind them. */
  static List<NodeInfo> decodeAll(ByteBuffer body, int count) {
    List<NodeInfo> nodes = new ArrayList<>();
    for (int i = 0; i < count && body.remaining() >= SIZE_BYTES; i++) {
      int at = body.position();
      nodes.add(
          new NodeInfo(
              address(body, at),
              Short.toUnsignedInt(body.getShort(at + PORT)),
              Short.toUnsignedInt(body.getShort(at + VIRTUAL_NODES)),
              body.getInt(at + ZONE),
              body.getLong(at + SPACE)));
      body.position(at + SIZE_BYTES);
    }
    return nodes;
  }

  private static InetAddress address(ByteBuffer body, int at) {
    boolean ipv4 = body.get(at + IPV4) != 0;
    for (int i = ADDRESS; i < IPV4; i++) {
      ipv4 &= body.get(at + i) == 0;
    }
    int start = ipv4 ? IPV4 : ADDRESS;
    byte[] address = new byte[ADDRESS_END - start];
    body.get(at + start, address);
    try {
      return InetAddress.getByAddress(address);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("4 and 16 bytes are always an address", e);
    }
  }

  /** Text up to the first NUL. */
  static String text(ByteBuffer body, int offset, int maxLength) {
    int length = 0;
    while (length < maxLength && body.get(offset + length) != 0) {
      length++;
    }
    byte[] bytes = new byte[length];
    body.get(offset, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
