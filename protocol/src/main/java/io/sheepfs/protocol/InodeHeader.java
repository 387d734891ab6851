package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The first {@link InodeLayout#HEADER_BYTES} bytes of an inode, taken apart. Times are kept as they
 * stand on the wire, so that a header encodes to the bytes it was read from (the unused area apart,
 * which is written as zeros).
 *
 * @param name NUL-padded bytes without the padding; empty for a deleted VDI
 * @param tag likewise; empty for none
 * @param createTime seconds in the high half, nanoseconds in the low one
 * @param snapshotTime likewise; 0 for a working VDI
 * @param vdiSize bytes, as unsigned as the sender made it
 * @param copyPolicy 0 for replication, else the shape of the erasure code
 * @param storePolicy 0 for an index in the inode, 1 for a btree
 * @param parentVdiId 0 for none
 */
@SuppressWarnings("ArrayRecordComponent") // compared by equals() below
public record InodeHeader(
    byte[] name,
    byte[] tag,
    long createTime,
    long snapshotTime,
    long vmClockNanos,
    long vdiSize,
    long vmStateSize,
    int copyPolicy,
    int storePolicy,
    int copies,
    int blockSizeShift,
    int snapshotId,
    int vdiId,
    int parentVdiId,
    int btreeCounter) {

  /** Reads a header from {@code source}'s position on; takes {@link InodeLayout#HEADER_BYTES}. */
  public static InodeHeader decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, InodeLayout.HEADER_BYTES);
    return new InodeHeader(
        text(bytes, InodeLayout.NAME, InodeLayout.NAME_BYTES),
        text(bytes, InodeLayout.TAG, InodeLayout.TAG_BYTES),
        bytes.getLong(InodeLayout.CREATE_TIME),
        bytes.getLong(InodeLayout.SNAPSHOT_TIME),
        bytes.getLong(InodeLayout.VM_CLOCK_NANOS),
        bytes.getLong(InodeLayout.VDI_SIZE),
        bytes.getLong(InodeLayout.VM_STATE_SIZE),
        Byte.toUnsignedInt(bytes.get(InodeLayout.COPY_POLICY)),
        Byte.toUnsignedInt(bytes.get(InodeLayout.STORE_POLICY)),
        Byte.toUnsignedInt(bytes.get(InodeLayout.COPIES)),
        Byte.toUnsignedInt(bytes.get(InodeLayout.BLOCK_SIZE_SHIFT)),
        bytes.getInt(InodeLayout.SNAPSHOT_ID),
        bytes.getInt(InodeLayout.VDI_ID),
        bytes.getInt(InodeLayout.PARENT_VDI_ID),
        bytes.getInt(InodeLayout.BTREE_COUNTER));
  }

  /** A new buffer with the {@link InodeLayout#HEADER_BYTES} bytes of the header. */
  public ByteBuffer encode() {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(InodeLayout.NAME, name);
    bytes.put(InodeLayout.TAG, tag);
    bytes.putLong(InodeLayout.CREATE_TIME, createTime);
    bytes.putLong(InodeLayout.SNAPSHOT_TIME, snapshotTime);
    bytes.putLong(InodeLayout.VM_CLOCK_NANOS, vmClockNanos);
    bytes.putLong(InodeLayout.VDI_SIZE, vdiSize);
    bytes.putLong(InodeLayout.VM_STATE_SIZE, vmStateSize);
    bytes.put(InodeLayout.COPY_POLICY, (byte) copyPolicy);
    bytes.put(InodeLayout.STORE_POLICY, (byte) storePolicy);
    bytes.put(InodeLayout.COPIES, (byte) copies);
    bytes.put(InodeLayout.BLOCK_SIZE_SHIFT, (byte) blockSizeShift);
    bytes.putInt(InodeLayout.SNAPSHOT_ID, snapshotId);
    bytes.putInt(InodeLayout.VDI_ID, vdiId);
    bytes.putInt(InodeLayout.PARENT_VDI_ID, parentVdiId);
    bytes.putInt(InodeLayout.BTREE_COUNTER, btreeCounter);
    return bytes;
  }

  /** Whether the VDI was deleted: the inode is only kept so that its id is not used again. */
  public boolean isDeleted() {
    return name.length == 0;
  }

  /** Whether this is a snapshot. */
  public boolean isSnapshot() {
    return snapshotTime != 0;
  }

  /**
   * The header as the rest of the system knows VDIs.
   *
   * @throws IllegalArgumentException if it is deleted, or a field is impossible: damaged, or made
   *     by a client that checks less than we do
   */
  public VdiInfo toVdiInfo() {
    checkShape();
    return new VdiInfo(
        new VdiId(vdiId),
        new VdiName(utf8(name)),
        tag.length == 0 ? null : new SnapshotTag(utf8(tag)),
        snapshotId,
        instant(createTime),
        snapshotTime == 0 ? null : instant(snapshotTime),
        vdiSize,
        copies,
        blockSizeShift,
        parentVdiId == 0 ? null : new VdiId(parentVdiId));
  }

  /**
   * Checks what a deleted VDI has, too: how its objects are kept, that there can be as many, and
   * what it was made from.
   *
   * @throws IllegalArgumentException if a field is impossible
   */
  public void checkShape() {
    if (storePolicy != 0 || copyPolicy != 0) {
      throw new IllegalArgumentException(
          "VDI " + Integer.toHexString(vdiId) + " is erasure coded or a hypervolume");
    }
    if (blockSizeShift < 20 || blockSizeShift > 31) {
      throw new IllegalArgumentException("impossible block size shift: " + blockSizeShift);
    }
    if (vmStateSize < 0 || vmStateSize > VdiSpec.maxSizeBytes(blockSizeShift)) {
      throw new IllegalArgumentException("impossible size of the VM state: " + vmStateSize);
    }
    if (parentVdiId != 0 && (!VdiId.isValid(parentVdiId) || parentVdiId == vdiId)) {
      throw new IllegalArgumentException("impossible parent: " + Integer.toHexString(parentVdiId));
    }
  }

  /** A time as the wire has it. */
  public static Instant instant(long wireTime) {
    return Instant.ofEpochSecond(wireTime >>> 32, wireTime & 0xFFFF_FFFFL);
  }

  /** A time for the wire. */
  public static long wireTime(Instant time) {
    return time.getEpochSecond() << 32 | time.getNano();
  }

  private static byte[] text(ByteBuffer bytes, int offset, int length) {
    int end = 0;
    while (end < length && bytes.get(offset + end) != 0) {
      end++;
    }
    byte[] text = new byte[end];
    bytes.get(offset, text);
    return text;
  }

  private static String utf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("a name is not UTF-8: " + Arrays.toString(bytes), e);
    }
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof InodeHeader that && encode().equals(that.encode());
  }

  @Override
  public int hashCode() {
    return encode().hashCode();
  }

  @Override
  public String toString() {
    return "InodeHeader[vid="
        + Integer.toHexString(vdiId)
        + ", name="
        + new String(name, StandardCharsets.UTF_8)
        + ", size="
        + vdiSize
        + "]";
  }
}
