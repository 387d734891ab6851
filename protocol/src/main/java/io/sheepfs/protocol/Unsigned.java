package io.sheepfs.protocol;

/** Checks that a number fits the unsigned field it is meant for. */
final class Unsigned {

  private Unsigned() {}

  static void checkU8(String field, int value) {
    if (value < 0 || value > 0xFF) {
      throw new IllegalArgumentException(field + " does not fit a byte: " + value);
    }
  }

  static void checkU16(String field, int value) {
    if (value < 0 || value > 0xFFFF) {
      throw new IllegalArgumentException(field + " does not fit 16 bits: " + value);
    }
  }

  static void checkU32(String field, long value) {
    if (value < 0 || value > 0xFFFF_FFFFL) {
      throw new IllegalArgumentException(field + " does not fit 32 bits: " + value);
    }
  }
}
