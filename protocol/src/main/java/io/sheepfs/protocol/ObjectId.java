package io.sheepfs.protocol;

/**
 * The 64-bit name of an object.
 *
 * <pre>
 *  63 62 61 60 59 58..56 55          32 31             0
 * +--+--+--+--+--+------+--------------+----------------+
 * |in|vm|at|bt|le|  0   |     vid      |     index      |
 * +--+--+--+--+--+------+--------------+----------------+
 * </pre>
 *
 * <p>The top bits name the kind; a data object has none of them set. The index of a data object is
 * its position in the VDI, counted in objects.
 *
 * @param value the id as it stands on the wire
 */
public record ObjectId(long value) implements Comparable<ObjectId> {

  private static final int VID_SHIFT = 32;
  private static final long INDEX_MASK = 0xFFFF_FFFFL;

  /** What an object holds. */
  public enum Kind {
    DATA(0),
    INODE(1L << 63),
    VM_STATE(1L << 62),
    ATTRIBUTE(1L << 61),
    BTREE(1L << 60),
    LEDGER(1L << 59);

    private final long bit;

    Kind(long bit) {
      this.bit = bit;
    }
  }

  private static final Kind[] KINDS = Kind.values();

  /**
   * Validates the id.
   *
   * @throws IllegalArgumentException if the VDI id is 0, a reserved bit is set, or two kinds are
   */
  public ObjectId {
    if (((value >>> VID_SHIFT) & VdiId.MAX) == 0 || Long.bitCount(value >>> 56) > 1) {
      throw new IllegalArgumentException("not an object id: " + Long.toHexString(value));
    }
    if ((value & 0x0700_0000_0000_0000L) != 0) {
      throw new IllegalArgumentException("reserved bits in object id: " + Long.toHexString(value));
    }
  }

  /** Whether {@code value} would make a valid id. */
  public static boolean isValid(long value) {
    return ((value >>> VID_SHIFT) & VdiId.MAX) != 0
        && Long.bitCount(value >>> 56) <= 1
        && (value & 0x0700_0000_0000_0000L) == 0;
  }

  /** The data object at {@code index}, an unsigned 32-bit number, of a VDI. */
  public static ObjectId data(VdiId vid, int index) {
    return of(Kind.DATA, vid, index);
  }

  /** The inode of a VDI. */
  public static ObjectId inode(VdiId vid) {
    return of(Kind.INODE, vid, 0);
  }

  /** An object of any kind; {@code index} is an unsigned 32-bit number. */
  public static ObjectId of(Kind kind, VdiId vid, int index) {
    return new ObjectId(kind.bit | (long) vid.value() << VID_SHIFT | (index & INDEX_MASK));
  }

  /** What the object holds. */
  public Kind kind() {
    for (int i = 1; i < KINDS.length; i++) {
      if ((value & KINDS[i].bit) != 0) {
        return KINDS[i];
      }
    }
    return Kind.DATA;
  }

  /** Whether this is a data object. */
  public boolean isData() {
    return value >>> 56 == 0;
  }

  /** The VDI that owns the object. */
  public VdiId vid() {
    return new VdiId((int) (value >>> VID_SHIFT) & VdiId.MAX);
  }

  /** The index: an unsigned 32-bit number, use {@link Integer#toUnsignedLong} to widen it. */
  public int index() {
    return (int) value;
  }

  /** Sixteen hexadecimal digits: the name of the object's file on a sheep's disk. */
  @Override
  public String toString() {
    String digits = Long.toHexString(value);
    return "0".repeat(16 - digits.length()) + digits;
  }

  @Override
  public int compareTo(ObjectId other) {
    return Long.compareUnsigned(value, other.value);
  }
}
