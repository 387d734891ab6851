package io.sheepfs.store.object;

import java.nio.ByteBuffer;

/** Nothing, in bulk. */
final class Zeros {

  private static final int BYTES = 1 << 16;
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(BYTES).asReadOnlyBuffer();

  private Zeros() {}

  /** A buffer of {@code count} zero bytes, or of fewer if that is many. */
  static ByteBuffer upTo(long count) {
    return ZEROS.duplicate().limit((int) Math.min(BYTES, count));
  }

  /** Fills up {@code dst}. */
  static void fill(ByteBuffer dst) {
    while (dst.hasRemaining()) {
      dst.put(upTo(dst.remaining()));
    }
  }
}
