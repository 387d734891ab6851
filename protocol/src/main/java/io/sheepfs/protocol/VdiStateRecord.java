package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * How a VDI is stored and who has it locked ({@code vdi_state}): 1428 bytes in release 1.0, 1420 in
 * 0.9.
 *
 * <pre>
 *    1.0                                      0.9
 *    0 +-------------------------------+        0
 *      | vid                     (u32) |
 *    4 | nr_copies                (u8) |        4
 *    5 | snapshot                 (u8) |        5
 *    6 | deleted                  (u8) |        -
 *    7 | copy_policy              (u8) |        6
 *    8 | block_size_shift         (u8) |        -
 *    9 | pad                       (3) |        7 (1)
 *   12 | parent_vid              (u32) |        -
 *   16 | lock_state              (u32) |        8   1 free, 2 locked, 3 shared
 *   20 | lock_owner: node_id      (40) |       12
 *   60 | nr_participants         (u32) |       52
 *   64 | participants_state[31]  (u32) |       56   1 modified, 2 shared, 3 invalidated
 *  188 | participants[31]: node_id(40) |      180
 * 1428 +-------------------------------+     1420
 * </pre>
 *
 * @param participants who shares the lock, at most {@link #MAX_PARTICIPANTS}
 */
public record VdiStateRecord(
    int vid,
    int copies,
    boolean snapshot,
    boolean deleted,
    int copyPolicy,
    int blockSizeShift,
    int parentVid,
    int lockState,
    NodeId lockOwner,
    List<Participant> participants) {

  /** Bytes of a record of release 1.0. */
  public static final int SIZE_BYTES = 1428;

  /** Bytes of a record of release 0.9. */
  public static final int SIZE_BYTES_0_9 = 1420;

  /** The most nodes that can share a lock. */
  public static final int MAX_PARTICIPANTS = 31;

  public static final int UNLOCKED = 1;
  public static final int LOCKED = 2;
  public static final int SHARED = 3;

  private static final int VID = 0;
  private static final int COPIES = 4;
  private static final int SNAPSHOT = 5;
  private static final int DELETED = 6;
  private static final int COPY_POLICY = 7;
  private static final int COPY_POLICY_0_9 = 6;
  private static final int BLOCK_SIZE_SHIFT = 8;
  private static final int PARENT_VID = 12;

  /** Where the lock starts; everything from there on is the same in both releases. */
  private static final int LOCK = 16;

  private static final int LOCK_0_9 = 8;
  private static final int LOCK_BYTES = SIZE_BYTES - LOCK;
  private static final int LOCK_STATE = 0;
  private static final int LOCK_OWNER = 4;
  private static final int PARTICIPANT_COUNT = 44;
  private static final int PARTICIPANT_STATES = 48;
  private static final int PARTICIPANTS = 172;

  /**
   * A node that shares a lock.
   *
   * @param state 1 if it modified the inode, 2 if it has it, 3 if it must read it again
   */
  public record Participant(NodeId node, int state) {}

  public VdiStateRecord {
    Unsigned.checkU8("nr_copies", copies);
    Unsigned.checkU8("copy_policy", copyPolicy);
    Unsigned.checkU8("block_size_shift", blockSizeShift);
    participants = List.copyOf(participants);
    if (participants.size() > MAX_PARTICIPANTS) {
      throw new IllegalArgumentException(participants.size() + " participants of a lock");
    }
  }

  /**
   * Bytes of a record.
   *
   * @param protoVersion {@link Opcode#INTERNAL_VERSION}, or that of 0.9
   */
  public static int sizeBytes(int protoVersion) {
    return protoVersion == Opcode.INTERNAL_VERSION_0_9 ? SIZE_BYTES_0_9 : SIZE_BYTES;
  }

  /** Reads one record from {@code source}'s position on, in the layout of a release. */
  public static VdiStateRecord decode(ByteBuffer source, int protoVersion) {
    boolean old = protoVersion == Opcode.INTERNAL_VERSION_0_9;
    ByteBuffer bytes = WireBytes.take(source, sizeBytes(protoVersion));
    ByteBuffer lock = WireBytes.take(bytes.duplicate().position(old ? LOCK_0_9 : LOCK), LOCK_BYTES);
    int count = lock.getInt(PARTICIPANT_COUNT);
    if (count < 0 || count > MAX_PARTICIPANTS) {
      throw new IllegalArgumentException("impossible number of participants: " + count);
    }
    List<Participant> participants = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      participants.add(
          new Participant(
              NodeId.decode(lock.position(PARTICIPANTS + i * NodeId.SIZE_BYTES)),
              lock.getInt(PARTICIPANT_STATES + i * Integer.BYTES)));
    }
    return new VdiStateRecord(
        bytes.getInt(VID),
        WireBytes.u8(bytes, COPIES),
        WireBytes.bool(bytes, SNAPSHOT),
        !old && WireBytes.bool(bytes, DELETED),
        WireBytes.u8(bytes, old ? COPY_POLICY_0_9 : COPY_POLICY),
        old ? 0 : WireBytes.u8(bytes, BLOCK_SIZE_SHIFT),
        old ? 0 : bytes.getInt(PARENT_VID),
        lock.getInt(LOCK_STATE),
        NodeId.decode(lock.position(LOCK_OWNER)),
        participants);
  }

  /** Writes the record at {@code target}'s position, which moves behind it. */
  public void encode(ByteBuffer target, int protoVersion) {
    boolean old = protoVersion == Opcode.INTERNAL_VERSION_0_9;
    ByteBuffer bytes = WireBytes.take(target, sizeBytes(protoVersion));
    bytes.putInt(VID, vid);
    bytes.put(COPIES, (byte) copies);
    WireBytes.putBool(bytes, SNAPSHOT, snapshot);
    bytes.put(old ? COPY_POLICY_0_9 : COPY_POLICY, (byte) copyPolicy);
    if (!old) {
      WireBytes.putBool(bytes, DELETED, deleted);
      bytes.put(BLOCK_SIZE_SHIFT, (byte) blockSizeShift);
      bytes.putInt(PARENT_VID, parentVid);
    }
    ByteBuffer lock = WireBytes.take(bytes.position(old ? LOCK_0_9 : LOCK), LOCK_BYTES);
    lock.putInt(LOCK_STATE, lockState);
    lockOwner.encode(lock.position(LOCK_OWNER));
    lock.putInt(PARTICIPANT_COUNT, participants.size());
    for (int i = 0; i < participants.size(); i++) {
      lock.putInt(PARTICIPANT_STATES + i * Integer.BYTES, participants.get(i).state());
      participants.get(i).node().encode(lock.position(PARTICIPANTS + i * NodeId.SIZE_BYTES));
    }
  }

  /** The body of GET_VDI_COPIES, records one behind the other. */
  public static List<VdiStateRecord> decodeAll(ByteBuffer body, int protoVersion) {
    int size = sizeBytes(protoVersion);
    if (body.remaining() % size != 0) {
      throw new IllegalArgumentException("VDI states in " + body.remaining() + " bytes");
    }
    List<VdiStateRecord> states = new ArrayList<>(body.remaining() / size);
    while (body.hasRemaining()) {
      states.add(decode(body, protoVersion));
    }
    return states;
  }

  /** The body of GET_VDI_COPIES, in a new buffer. */
  public static ByteBuffer encodeAll(List<VdiStateRecord> states, int protoVersion) {
    ByteBuffer body = WireBytes.allocate(states.size() * sizeBytes(protoVersion));
    states.forEach(state -> state.encode(body, protoVersion));
    return body.flip();
  }
}
