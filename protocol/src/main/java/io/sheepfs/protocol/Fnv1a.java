package io.sheepfs.protocol;

/** The 64-bit FNV-1a hash, by which Sheepdog places VDIs, objects and nodes. */
public final class Fnv1a {

  private static final long OFFSET_BASIS = 0xcbf29ce484222325L;
  private static final long PRIME = 0x100000001b3L;

  private Fnv1a() {}

  /** The hash of {@code bytes}. */
  public static long hash(byte[] bytes) {
    return hash(bytes, 0, bytes.length, OFFSET_BASIS);
  }

  /** Continues a hash: {@code basis} is the hash of what came before. */
  public static long hash(byte[] bytes, int offset, int length, long basis) {
    long hash = basis;
    for (int i = offset; i < offset + length; i++) {
      hash = (hash ^ (bytes[i] & 0xFF)) * PRIME;
    }
    return hash;
  }

  /** The next point of a chain on the ring: the hash's own little-endian bytes, hashed onto it. */
  public static long next(long hash) {
    long result = hash;
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      result = (result ^ ((hash >>> shift) & 0xFF)) * PRIME;
    }
    return result;
  }

  /** The ring position of {@code bytes}: its hash, chained once ({@link #next}). */
  public static long ringPosition(byte[] bytes) {
    return next(hash(bytes));
  }

  /** The ring position of an object: that of the eight little-endian bytes of its id. */
  public static long ringPosition(ObjectId oid) {
    long hash = OFFSET_BASIS;
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      hash = (hash ^ ((oid.value() >>> shift) & 0xFF)) * PRIME;
    }
    return next(hash);
  }
}
