package io.sheepfs.protocol;

import java.nio.charset.StandardCharsets;

/**
 * The number of a VDI: 24 bits, never 0.
 *
 * @param value 1 to 0xFFFFFF
 */
public record VdiId(int value) implements Comparable<VdiId> {

  /** The largest id. */
  public static final int MAX = 0xFF_FFFF;

  public VdiId {
    if (!isValid(value)) {
      throw new IllegalArgumentException("not a VDI id: 0x" + Integer.toHexString(value));
    }
  }

  /** Whether {@code value} would make a valid id. */
  public static boolean isValid(int value) {
    return value >= 1 && value <= MAX;
  }

  /**
   * Where the search for an id of {@code name} starts: the low 24 bits of FNV-1a over the name's
   * bytes, and 1 where they are 0, since no VDI has the id 0.
   */
  public static VdiId hashOf(VdiName name) {
    int hash = (int) (Fnv1a.hash(name.value().getBytes(StandardCharsets.UTF_8)) & MAX);
    return new VdiId(hash == 0 ? 1 : hash);
  }

  /** The id after this one; after the last comes 1. */
  public VdiId next() {
    return new VdiId(value == MAX ? 1 : value + 1);
  }

  /** The id before this one; before 1 comes the last. */
  public VdiId previous() {
    return new VdiId(value == 1 ? MAX : value - 1);
  }

  /** Lower-case hexadecimal without leading zeros, as the original prints ids. */
  @Override
  public String toString() {
    return Integer.toHexString(value);
  }

  @Override
  public int compareTo(VdiId other) {
    return Integer.compare(value, other.value);
  }
}
