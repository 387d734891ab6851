package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.List;

/**
 * The answer to CLUSTER_INFO ({@code cluster_info}): 491568 bytes, most of them zeros.
 *
 * <pre>
 *   0 +-------------------------+
 *     | proto_ver          (u8) |
 *   1 | disable_recovery   (u8) |
 *   2 | nr_nodes          (i16) |
 *   4 | epoch             (u32) |
 *   8 | ctime             (u64) |  seconds << 32 | nanoseconds; 0: not formatted
 *  16 | flags             (u16) |
 *  18 | nr_copies          (u8) |
 *  19 | copy_policy        (u8) |
 *  20 | status             (u8) |  1 running, 2 waiting, 3 shut down, 4 killed
 *  21 | block_size_shift   (u8) |  release 0.9: padding
 *  22 | pad                 (3) |
 *  25 | default_store      (16) |  release 0.9: at 28
 *  41 | pad                 (7) |
 *  48 +-------------------------+
 *     | nodes[6144]        (80) |
 *     +-------------------------+
 * </pre>
 *
 * @param protoVersion {@link Opcode#INTERNAL_VERSION}, or that of 0.9, which decides the layout
 */
public record ClusterRecord(
    int protoVersion,
    boolean recoveryDisabled,
    int epoch,
    long createTime,
    int flags,
    int copies,
    int copyPolicy,
    int status,
    int blockSizeShift,
    String defaultStore,
    List<NodeRecord> nodes) {

  /** The most nodes a cluster can have. */
  public static final int MAX_NODES = 6144;

  /** The header alone. */
  public static final int HEADER_BYTES = 48;

  /** Bytes of a record. */
  public static final int SIZE_BYTES = HEADER_BYTES + MAX_NODES * NodeRecord.SIZE_BYTES;

  public static final int STATUS_OK = 1;
  public static final int STATUS_WAIT = 2;
  public static final int STATUS_SHUTDOWN = 3;
  public static final int STATUS_KILLED = 4;

  private static final int PROTO_VERSION = 0;
  private static final int DISABLE_RECOVERY = 1;
  private static final int NODE_COUNT = 2;
  private static final int EPOCH = 4;
  private static final int CREATE_TIME = 8;
  private static final int FLAGS = 16;
  private static final int COPIES = 18;
  private static final int COPY_POLICY = 19;
  private static final int STATUS = 20;
  private static final int BLOCK_SIZE_SHIFT = 21;
  private static final int DEFAULT_STORE = 25;
  private static final int DEFAULT_STORE_0_9 = 28;
  private static final int DEFAULT_STORE_BYTES = 16;

  public ClusterRecord {
    Unsigned.checkU8("proto_ver", protoVersion);
    Unsigned.checkU16("flags", flags);
    Unsigned.checkU8("nr_copies", copies);
    Unsigned.checkU8("copy_policy", copyPolicy);
    Unsigned.checkU8("status", status);
    Unsigned.checkU8("block_size_shift", blockSizeShift);
    nodes = List.copyOf(nodes);
    if (nodes.size() > MAX_NODES) {
      throw new IllegalArgumentException(nodes.size() + " nodes; 6144 are possible");
    }
  }

  /** Reads a record from {@code source}'s position on. */
  public static ClusterRecord decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    int protoVersion = WireBytes.u8(bytes, PROTO_VERSION);
    boolean old = protoVersion == Opcode.INTERNAL_VERSION_0_9;
    return new ClusterRecord(
        protoVersion,
        WireBytes.bool(bytes, DISABLE_RECOVERY),
        bytes.getInt(EPOCH),
        bytes.getLong(CREATE_TIME),
        WireBytes.u16(bytes, FLAGS),
        WireBytes.u8(bytes, COPIES),
        WireBytes.u8(bytes, COPY_POLICY),
        WireBytes.u8(bytes, STATUS),
        old ? 0 : WireBytes.u8(bytes, BLOCK_SIZE_SHIFT),
        WireBytes.text(bytes, old ? DEFAULT_STORE_0_9 : DEFAULT_STORE, DEFAULT_STORE_BYTES),
        NodeRecord.decodeAll(bytes.position(HEADER_BYTES), bytes.getShort(NODE_COUNT)));
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    boolean old = protoVersion == Opcode.INTERNAL_VERSION_0_9;
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    bytes.put(PROTO_VERSION, (byte) protoVersion);
    WireBytes.putBool(bytes, DISABLE_RECOVERY, recoveryDisabled);
    bytes.putShort(NODE_COUNT, (short) nodes.size());
    bytes.putInt(EPOCH, epoch);
    bytes.putLong(CREATE_TIME, createTime);
    bytes.putShort(FLAGS, (short) flags);
    bytes.put(COPIES, (byte) copies);
    bytes.put(COPY_POLICY, (byte) copyPolicy);
    bytes.put(STATUS, (byte) status);
    if (!old) {
      bytes.put(BLOCK_SIZE_SHIFT, (byte) blockSizeShift);
    }
    WireBytes.putText(
        bytes, old ? DEFAULT_STORE_0_9 : DEFAULT_STORE, DEFAULT_STORE_BYTES, defaultStore);
    bytes.position(HEADER_BYTES);
    nodes.forEach(node -> node.encode(bytes));
    return bytes.clear();
  }
}
