package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.tree.OpenFile;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * COPY_FILE_RANGE: from one file of the mount to another without the way through the kernel and
 * back, and without data for what is a hole. One request copies a bounded part; who asked for more
 * asks again.
 */
final class RangeCopy {

  /** So long does nobody wait in vain who interrupts it. */
  private static final long MOST_BYTES = 16L << 20;

  /** Holes may be long, but the reply has 32 bits for the length. */
  private static final long MOST_HOLE_BYTES = 1L << 30;

  private RangeCopy() {}

  /**
   * Copies at most {@code length} bytes.
   *
   * @param buffer its limit is the size of the single reads and writes
   * @return the bytes copied; 0 at the end of {@code from}
   * @throws IOException if nothing could be copied
   */
  static int copy(
      OpenFile from, long fromOffset, OpenFile to, long toOffset, long length, ByteBuffer buffer)
      throws IOException {
    long left = Math.min(length, from.file().attributes().sizeBytes() - fromOffset);
    if (left <= 0) {
      return 0;
    }
    long data = from.nextData(fromOffset);
    long hole = data < 0 ? left : Math.min(data - fromOffset, left);
    if (hole > 0) {
      long zeros = Math.min(hole, MOST_HOLE_BYTES);
      to.zeroRange(toOffset, zeros, false);
      return (int) zeros;
    }
    long end = from.nextHole(fromOffset);
    long run = Math.min(end < 0 ? left : Math.min(end - fromOffset, left), MOST_BYTES);
    int room = buffer.limit();
    int copied = 0;
    while (copied < run) {
      buffer.clear().limit((int) Math.min(room, run - copied));
      try {
        if (from.read(fromOffset + copied, buffer) == 0) {
          break; // it has become shorter
        }
        buffer.flip();
        to.write(toOffset + copied, buffer);
      } catch (IOException e) {
        if (copied > 0) {
          break; // the next request meets the same failure, and tells it
        }
        throw e;
      }
      copied += buffer.limit();
    }
    return copied;
  }
}
