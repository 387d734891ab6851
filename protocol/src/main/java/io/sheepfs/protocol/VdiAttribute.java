package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * An attribute of a VDI ({@code sheepdog_vdi_attr}): the body of GET_VDI_ATTR and the content of an
 * attribute object, 66320 bytes.
 *
 * <pre>
 *     0 +-------------------------+
 *       | name              (256) |
 *   256 | tag               (256) |
 *   512 | ctime             (u64) |  of the VDI
 *   520 | snap_id           (u32) |
 *   524 | value_len         (u32) |
 *   528 | key               (256) |
 *   784 | value           (65536) |
 * 66320 +-------------------------+
 * </pre>
 *
 * @param name of the VDI; empty in an attribute that was deleted
 * @param value at most {@link #MAX_VALUE_BYTES}
 */
@SuppressWarnings("ArrayRecordComponent") // compared by equals() below
public record VdiAttribute(
    String name, String tag, long createTime, int snapshotId, String key, byte[] value) {

  /** Bytes of an attribute. */
  public static final int SIZE_BYTES = 66_320;

  /** The longest value. */
  public static final int MAX_VALUE_BYTES = 65_536;

  private static final int TEXT_BYTES = 256;
  private static final int NAME = 0;
  private static final int TAG = 256;
  private static final int CREATE_TIME = 512;
  private static final int SNAPSHOT_ID = 520;
  private static final int VALUE_LENGTH = 524;
  private static final int KEY = 528;
  private static final int VALUE = 784;

  public VdiAttribute {
    if (value.length > MAX_VALUE_BYTES) {
      throw new IllegalArgumentException(
          "the value has " + value.length + " bytes; 65536 are possible");
    }
  }

  /** Reads an attribute from {@code source}'s position on. */
  public static VdiAttribute decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    int length = bytes.getInt(VALUE_LENGTH);
    if (length < 0 || length > MAX_VALUE_BYTES) {
      throw new IllegalArgumentException("impossible length of a value: " + length);
    }
    byte[] value = new byte[length];
    bytes.get(VALUE, value);
    return new VdiAttribute(
        WireBytes.text(bytes, NAME, TEXT_BYTES),
        WireBytes.text(bytes, TAG, TEXT_BYTES),
        bytes.getLong(CREATE_TIME),
        bytes.getInt(SNAPSHOT_ID),
        WireBytes.text(bytes, KEY, TEXT_BYTES),
        value);
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    WireBytes.putText(bytes, NAME, TEXT_BYTES, name);
    WireBytes.putText(bytes, TAG, TEXT_BYTES, tag);
    bytes.putLong(CREATE_TIME, createTime);
    bytes.putInt(SNAPSHOT_ID, snapshotId);
    bytes.putInt(VALUE_LENGTH, value.length);
    WireBytes.putText(bytes, KEY, TEXT_BYTES, key);
    return bytes.put(VALUE, value);
  }

  /**
   * The object the attribute is kept in, unless another one has that id already: then the next free
   * one. Its VDI is the hash of the name, whatever id the VDI has.
   */
  public ObjectId objectId() {
    byte[] bytes = new byte[SIZE_BYTES];
    encode().get(0, bytes);
    long hash = Fnv1a.hash(Arrays.copyOf(bytes, TAG + TEXT_BYTES));
    hash = Fnv1a.hash(bytes, SNAPSHOT_ID, Integer.BYTES, hash);
    hash = Fnv1a.hash(bytes, KEY, TEXT_BYTES, hash);
    return ObjectId.of(ObjectId.Kind.ATTRIBUTE, VdiId.hashOf(new VdiName(name)), (int) hash);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof VdiAttribute that && encode().equals(that.encode());
  }

  @Override
  public int hashCode() {
    return 31 * name.hashCode() + key.hashCode();
  }

  @Override
  public String toString() {
    return "VdiAttribute[" + name + ", " + key + ", " + value.length + " bytes]";
  }
}
