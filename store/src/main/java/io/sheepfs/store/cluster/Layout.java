package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.Ring;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a cluster was formatted: what never changes until it is formatted again. The nodes on the
 * ring are part of it, so that an object's place does not depend on who is alive.
 *
 * <p>As text, one line for each node:
 *
 * <pre>
 *   format CTIME FLAGS COPIES SHIFT DRIVER
 *   node STORE_ID RECORD                    the record of 80 bytes in hexadecimal digits
 * </pre>
 *
 * @param createTime seconds in the high half, nanoseconds in the low one
 * @param nodes by address and port
 */
record Layout(
    long createTime, int flags, int copies, int blockSizeShift, String driver, List<Node> nodes) {

  /**
   * A node on the ring.
   *
   * @param storeId what its directory was given when it was made; another directory at the same
   *     address is another node
   */
  record Node(String storeId, NodeInfo info) {}

  Layout {
    nodes = List.copyOf(nodes);
  }

  Ring ring() {
    return new Ring(nodes.stream().map(node -> NodeRecord.of(node.info())).toList());
  }

  @Nullable Node node(String storeId) {
    for (Node node : nodes) {
      if (node.storeId().equals(storeId)) {
        return node;
      }
    }
    return null;
  }

  String encode() {
    StringBuilder text = new StringBuilder();
    text.append("format ").append(Long.toHexString(createTime)).append(' ').append(flags);
    text.append(' ').append(copies).append(' ').append(blockSizeShift);
    text.append(' ').append(driver).append('\n');
    for (Node node : nodes) {
      ByteBuffer record = ByteBuffer.allocate(NodeRecord.SIZE_BYTES);
      NodeRecord.of(node.info()).encode(record);
      text.append("node ").append(node.storeId()).append(' ');
      text.append(HexFormat.of().formatHex(record.array())).append('\n');
    }
    return text.toString();
  }

  static Layout decode(String text) {
    List<String> lines = text.lines().toList();
    String[] format = lines.get(0).split(" ", -1);
    List<Node> nodes =
        lines.stream()
            .skip(1)
            .map(line -> line.split(" ", -1))
            .map(
                words -> {
                  ByteBuffer record = ByteBuffer.wrap(HexFormat.of().parseHex(words[2]));
                  return new Node(words[1], NodeRecord.decode(record).toNodeInfo());
                })
            .toList();
    return new Layout(
        Long.parseUnsignedLong(format[1], 16),
        Integer.parseInt(format[2]),
        Integer.parseInt(format[3]),
        Integer.parseInt(format[4]),
        format[5],
        nodes);
  }
}
