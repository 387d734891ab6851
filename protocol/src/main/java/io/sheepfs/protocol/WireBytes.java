package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Little-endian structures of fixed size, as the wire has them. */
final class WireBytes {

  private WireBytes() {}

  /** The next {@code size} bytes of {@code source}, which moves behind them. */
  static ByteBuffer take(ByteBuffer source, int size) {
    if (source.remaining() < size) {
      throw new IllegalArgumentException(
          "a structure of " + size + " bytes in " + source.remaining());
    }
    ByteBuffer bytes = source.slice(source.position(), size).order(ByteOrder.LITTLE_ENDIAN);
    source.position(source.position() + size);
    return bytes;
  }

  /** A new structure, all zeros. */
  static ByteBuffer allocate(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }

  static int u8(ByteBuffer bytes, int offset) {
    return Byte.toUnsignedInt(bytes.get(offset));
  }

  static int u16(ByteBuffer bytes, int offset) {
    return Short.toUnsignedInt(bytes.getShort(offset));
  }

  static boolean bool(ByteBuffer bytes, int offset) {
    return bytes.get(offset) != 0;
  }

  static void putBool(ByteBuffer bytes, int offset, boolean value) {
    bytes.put(offset, (byte) (value ? 1 : 0));
  }

  /** The text up to the first NUL, or the end of the field. */
  static String text(ByteBuffer bytes, int offset, int length) {
    int end = 0;
    while (end < length && bytes.get(offset + end) != 0) {
      end++;
    }
    byte[] text = new byte[end];
    bytes.get(offset, text);
    return new String(text, StandardCharsets.UTF_8);
  }

  static void putText(ByteBuffer bytes, int offset, int length, String text) {
    byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
    if (encoded.length >= length) {
      throw new IllegalArgumentException("'" + text + "' has more than " + (length - 1) + " bytes");
    }
    bytes.put(offset, encoded);
  }
}
