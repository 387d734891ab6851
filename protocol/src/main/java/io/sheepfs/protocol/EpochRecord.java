package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * One epoch in the answer to STAT_CLUSTER ({@code epoch_log}): 48 bytes and its nodes. How many
 * nodes there is room for, the request said ({@code nodes_nr}).
 *
 * <pre>
 *   0 +-------------------------+
 *     | ctime             (u64) |  of the cluster: seconds << 32 | nanoseconds
 *   8 | time              (u64) |  when the epoch began, in seconds
 *  16 | epoch             (u32) |
 *  20 | nr_nodes          (u32) |
 *  24 | disable_recovery   (u8) |
 *  25 | nr_copies          (u8) |
 *  26 | copy_policy        (u8) |
 *  27 | pad                 (3) |
 *  30 | flags             (u16) |
 *  32 | drv_name           (16) |  the store driver
 *  48 +-------------------------+
 *     | nodes[nodes_nr]    (80) |
 *     +-------------------------+
 * </pre>
 *
 * <p>Only the first record, of the current epoch, has the fields that belong to the cluster.
 *
 * @param nodeCount as the sender has it; there can be fewer in {@code nodes}, for want of room
 */
public record EpochRecord(
    long createTime,
    long timeSeconds,
    int epoch,
    int nodeCount,
    boolean recoveryDisabled,
    int copies,
    int copyPolicy,
    int flags,
    String storeDriver,
    List<NodeRecord> nodes) {

  /** Bytes of a record without its nodes. */
  public static final int HEADER_BYTES = 48;

  private static final int CREATE_TIME = 0;
  private static final int TIME = 8;
  private static final int EPOCH = 16;
  private static final int NODE_COUNT = 20;
  private static final int DISABLE_RECOVERY = 24;
  private static final int COPIES = 25;
  private static final int COPY_POLICY = 26;
  private static final int FLAGS = 30;
  private static final int DRIVER = 32;
  private static final int DRIVER_BYTES = 16;

  public EpochRecord {
    Unsigned.checkU8("nr_copies", copies);
    Unsigned.checkU8("copy_policy", copyPolicy);
    Unsigned.checkU16("flags", flags);
    nodes = List.copyOf(nodes);
    if (nodes.size() > nodeCount) {
      throw new IllegalArgumentException(nodes.size() + " nodes, but nr_nodes is " + nodeCount);
    }
  }

  /** Bytes of a record with room for {@code nodesPerRecord} nodes. */
  public static int sizeBytes(int nodesPerRecord) {
    return HEADER_BYTES + nodesPerRecord * NodeRecord.SIZE_BYTES;
  }

  /** The body of STAT_CLUSTER: whole records, newest first. */
  public static List<EpochRecord> decodeAll(ByteBuffer body, int nodesPerRecord) {
    int stride = sizeBytes(nodesPerRecord);
    if (body.remaining() % stride != 0) {
      throw new IllegalArgumentException(
          body.remaining() + " bytes of epochs of " + stride + " bytes");
    }
    List<EpochRecord> epochs = new ArrayList<>(body.remaining() / stride);
    while (body.hasRemaining()) {
      epochs.add(decode(WireBytes.take(body, stride), nodesPerRecord));
    }
    return epochs;
  }

  private static EpochRecord decode(ByteBuffer bytes, int nodesPerRecord) {
    int nodeCount = bytes.getInt(NODE_COUNT);
    return new EpochRecord(
        bytes.getLong(CREATE_TIME),
        bytes.getLong(TIME),
        bytes.getInt(EPOCH),
        nodeCount,
        WireBytes.bool(bytes, DISABLE_RECOVERY),
        WireBytes.u8(bytes, COPIES),
        WireBytes.u8(bytes, COPY_POLICY),
        WireBytes.u16(bytes, FLAGS),
        WireBytes.text(bytes, DRIVER, DRIVER_BYTES),
        NodeRecord.decodeAll(bytes.position(HEADER_BYTES), Math.min(nodeCount, nodesPerRecord)));
  }

  /** The body of STAT_CLUSTER, in a new buffer. */
  public static ByteBuffer encodeAll(List<EpochRecord> epochs, int nodesPerRecord) {
    ByteBuffer body = WireBytes.allocate(epochs.size() * sizeBytes(nodesPerRecord));
    epochs.forEach(epoch -> epoch.encode(WireBytes.take(body, sizeBytes(nodesPerRecord))));
    return body.flip();
  }

  private void encode(ByteBuffer bytes) {
    bytes.putLong(CREATE_TIME, createTime);
    bytes.putLong(TIME, timeSeconds);
    bytes.putInt(EPOCH, epoch);
    bytes.putInt(NODE_COUNT, nodeCount);
    WireBytes.putBool(bytes, DISABLE_RECOVERY, recoveryDisabled);
    bytes.put(COPIES, (byte) copies);
    bytes.put(COPY_POLICY, (byte) copyPolicy);
    bytes.putShort(FLAGS, (short) flags);
    WireBytes.putText(bytes, DRIVER, DRIVER_BYTES, storeDriver);
    bytes.position(HEADER_BYTES);
    nodes.forEach(node -> node.encode(bytes));
  }
}
