package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * A sheep in a node list ({@code sd_node}): 80 bytes.
 *
 * <pre>
 *   0 +-------------------------+
 *     | rb                 (24) |  pointers of the original's tree: ignored, zeros from us
 *  24 | node_id            (40) |
 *  64 | nr_vnodes         (u16) |  0: a gateway, which stores nothing
 *  66 | pad                 (2) |
 *  68 | zone              (u32) |
 *  72 | space             (u64) |  bytes
 *  80 +-------------------------+
 * </pre>
 */
public record NodeRecord(NodeId id, int virtualNodes, int zone, long spaceBytes) {

  /** Bytes of a record. */
  public static final int SIZE_BYTES = 80;

  private static final int ID = 24;
  private static final int VIRTUAL_NODES = 64;
  private static final int ZONE = 68;
  private static final int SPACE = 72;

  public NodeRecord {
    Unsigned.checkU16("nr_vnodes", virtualNodes);
  }

  /** A node, for the wire. */
  public static NodeRecord of(NodeInfo node) {
    return new NodeRecord(
        new NodeId(node.address(), node.port()),
        node.virtualNodes(),
        node.zone(),
        node.spaceBytes());
  }

  /** The node as the rest of the system knows it. */
  public NodeInfo toNodeInfo() {
    return new NodeInfo(id.address(), id.port(), virtualNodes, zone, spaceBytes);
  }

  /** Reads one record from {@code source}'s position on. */
  public static NodeRecord decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    return new NodeRecord(
        NodeId.decode(bytes.position(ID)),
        WireBytes.u16(bytes, VIRTUAL_NODES),
        bytes.getInt(ZONE),
        bytes.getLong(SPACE));
  }

  /** Writes the record at {@code target}'s position, which moves behind it. */
  public void encode(ByteBuffer target) {
    ByteBuffer bytes = WireBytes.take(target, SIZE_BYTES);
    id.encode(bytes.position(ID));
    bytes.putShort(VIRTUAL_NODES, (short) virtualNodes);
    bytes.putInt(ZONE, zone);
    bytes.putLong(SPACE, spaceBytes);
  }

  /**
   * The body of GET_NODE_LIST: records one behind the other.
   *
   * @throws IllegalArgumentException if it does not consist of whole records
   */
  public static List<NodeRecord> decodeAll(ByteBuffer body) {
    if (body.remaining() % SIZE_BYTES != 0) {
      throw new IllegalArgumentException("a node list of " + body.remaining() + " bytes");
    }
    return decodeAll(body, body.remaining() / SIZE_BYTES);
  }

  static List<NodeRecord> decodeAll(ByteBuffer source, int count) {
    if (count < 0 || count > source.remaining() / SIZE_BYTES) {
      throw new IllegalArgumentException(count + " nodes in " + source.remaining() + " bytes");
    }
    List<NodeRecord> nodes = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      nodes.add(decode(source));
    }
    return nodes;
  }

  /** The body of GET_NODE_LIST, in a new buffer. */
  public static ByteBuffer encodeAll(List<NodeRecord> nodes) {
    ByteBuffer body = WireBytes.allocate(nodes.size() * SIZE_BYTES);
    nodes.forEach(node -> node.encode(body));
    return body.flip();
  }
}
