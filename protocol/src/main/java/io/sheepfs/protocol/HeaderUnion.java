package io.sheepfs.protocol;

/**
 * Bytes 16 to 47 of a header, whose meaning depends on the opcode, as four little-endian words.
 * Kept whole, so that a header that is passed on keeps bytes that nobody here knows.
 *
 * <p>Fields are addressed by their offset in the header, as {@link HeaderLayout} names them, and
 * never span two words.
 */
public record HeaderUnion(long word16, long word24, long word32, long word40) {

  /** All zeros. */
  public static final HeaderUnion EMPTY = new HeaderUnion(0, 0, 0, 0);

  /** The bits of {@code value} where a field at {@code offset} has them in its word. */
  static long at(int offset, long value) {
    return value << bit(offset);
  }

  int u8(int offset) {
    return (int) (word(offset) >>> bit(offset)) & 0xFF;
  }

  int u16(int offset) {
    return (int) (word(offset) >>> bit(offset)) & 0xFFFF;
  }

  int u32(int offset) {
    return (int) (word(offset) >>> bit(offset));
  }

  long u64(int offset) {
    return word(offset);
  }

  private long word(int offset) {
    return switch ((offset - HeaderLayout.UNION) >>> 3) {
      case 0 -> word16;
      case 1 -> word24;
      case 2 -> word32;
      case 3 -> word40;
      default -> throw new IndexOutOfBoundsException(offset);
    };
  }

  private static int bit(int offset) {
    return (offset & 7) * Byte.SIZE;
  }
}
