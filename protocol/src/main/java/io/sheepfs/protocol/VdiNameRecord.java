package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The body of a request that names a VDI: the name alone (256 bytes), or with a tag (512 bytes).
 *
 * <pre>
 *   0 +-------------------------+
 *     | name, NUL-padded  (256) |
 * 256 +-------------------------+
 *     | tag, NUL-padded   (256) |  empty: the working VDI, or a snapshot by its number
 * 512 +-------------------------+
 * </pre>
 *
 * <p>The bytes are kept as they are: a server may have VDIs with names that {@link VdiName}
 * refuses.
 *
 * @param tag null in the short form
 */
@SuppressWarnings("ArrayRecordComponent") // compared by equals() below
public record VdiNameRecord(byte[] name, byte @Nullable [] tag) {

  /** Bytes of the short form, without a tag. */
  public static final int NAME_BYTES = InodeLayout.NAME_BYTES;

  /** Bytes of the form with a tag. */
  public static final int SIZE_BYTES = InodeLayout.NAME_BYTES + InodeLayout.TAG_BYTES;

  public VdiNameRecord {
    if (name.length > NAME_BYTES || (tag != null && tag.length > InodeLayout.TAG_BYTES)) {
      throw new IllegalArgumentException("a name or tag of more than 256 bytes");
    }
  }

  /** The short form, of a name. */
  public static VdiNameRecord of(VdiName name) {
    return new VdiNameRecord(name.toBytes(), null);
  }

  /** The long form; without a tag it names the working VDI, or a snapshot by its number. */
  public static VdiNameRecord of(VdiName name, @Nullable SnapshotTag tag) {
    return new VdiNameRecord(name.toBytes(), tag == null ? new byte[0] : tag.toBytes());
  }

  /**
   * Reads all that {@code source} has.
   *
   * @throws IllegalArgumentException if that is neither 256 nor 512 bytes
   */
  public static VdiNameRecord decode(ByteBuffer source) {
    int length = source.remaining();
    if (length != NAME_BYTES && length != SIZE_BYTES) {
      throw new IllegalArgumentException("a VDI name in " + length + " bytes");
    }
    ByteBuffer bytes = WireBytes.take(source, length);
    return new VdiNameRecord(text(bytes, 0), length == SIZE_BYTES ? text(bytes, NAME_BYTES) : null);
  }

  /** A new buffer with the bytes of the short or the long form. */
  public ByteBuffer encode() {
    ByteBuffer bytes = WireBytes.allocate(tag == null ? NAME_BYTES : SIZE_BYTES);
    bytes.put(0, name);
    if (tag != null) {
      bytes.put(NAME_BYTES, tag);
    }
    return bytes;
  }

  private static byte[] text(ByteBuffer bytes, int offset) {
    int end = 0;
    while (end < NAME_BYTES && bytes.get(offset + end) != 0) {
      end++;
    }
    byte[] text = new byte[end];
    bytes.get(offset, text);
    return text;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof VdiNameRecord that
        && Arrays.equals(name, that.name)
        && Arrays.equals(tag, that.tag);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(name) * 31 + Arrays.hashCode(tag);
  }

  @Override
  public String toString() {
    return "VdiNameRecord" + Arrays.toString(name) + Arrays.toString(tag);
  }
}
