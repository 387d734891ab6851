package io.sheepfs.dist;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

/**
 * What a file must contain, and what was done to it last. Every write has bytes of its own, so that
 * those of another one are told apart. Behind the end there are zeros. Not safe for several
 * threads.
 */
final class FileModel {

  private static final int KEPT = 40;
  private static final long SPREAD = 0x9E3779B97F4A7C15L;

  /** One operation; {@code text} is what there is to say beyond the range. */
  private record Done(long number, String what, long offset, long length, String text) {
    @Override
    public String toString() {
      return number + " " + what + " [" + offset + ", " + (offset + length) + ") " + text;
    }

    boolean touches(long at) {
      return at >= offset && at < offset + length;
    }
  }

  private final byte[] content;
  private final Deque<Done> last = new ArrayDeque<>();
  private int size;
  private long count;

  FileModel(int maxBytes) {
    content = new byte[maxBytes];
  }

  int size() {
    return size;
  }

  /** How many operations there were. */
  long count() {
    return count;
  }

  /** What is in the file. */
  byte[] copy() {
    return Arrays.copyOf(content, size);
  }

  /** Takes note of an operation that begins now. */
  void begin(String what, long offset, long length, String text) {
    count++;
    last.addLast(new Done(count, what, offset, length, text));
    if (last.size() > KEPT) {
      last.removeFirst();
    }
  }

  /** Fills the start of {@code bytes} with what only the operation that runs writes. */
  void fill(ByteBuffer bytes, int length) {
    int at = 0;
    for (long word = count * SPREAD; at + Long.BYTES <= length; at += Long.BYTES) {
      bytes.putLong(at, word + at);
    }
    for (; at < length; at++) {
      bytes.put(at, (byte) (count + at));
    }
  }

  /** The file has the start of {@code bytes} at {@code offset} now. */
  void wrote(ByteBuffer bytes, int offset, int length) {
    bytes.get(0, content, offset, length);
    size = Math.max(size, offset + length);
  }

  void zeroed(int offset, int length) {
    int end = Math.min(size, offset + length);
    if (offset < end) {
      Arrays.fill(content, offset, end, (byte) 0);
    }
  }

  void resized(int sizeBytes) {
    if (sizeBytes < size) {
      Arrays.fill(content, sizeBytes, size, (byte) 0);
    }
    size = sizeBytes;
  }

  void copied(int from, int to, int length) {
    System.arraycopy(content, from, content, to, length);
    size = Math.max(size, to + length);
  }

  /** Whether a range reads as zeros. */
  boolean isZero(int from, int to) {
    for (int at = from; at < to; at++) {
      if (content[at] != 0) {
        return false;
      }
    }
    return true;
  }

  /** Compares the start of {@code found}, read at {@code offset}, with what must be there. */
  void check(String what, ByteBuffer found, int offset, int length) {
    int wanted = Math.max(0, Math.min(length, size - offset));
    ByteBuffer bytes = found.duplicate().clear().limit(wanted);
    int wrong = wanted == 0 ? -1 : bytes.mismatch(ByteBuffer.wrap(content, offset, wanted));
    if (wrong >= 0) {
      throw wrongByte(what, offset + wrong, content[offset + wrong], bytes.get(wrong));
    }
  }

  /** What fails the run: the first wrong byte, and the last operations. */
  AssertionError wrongByte(String what, long at, byte wanted, byte found) {
    return failure(String.format("%s: byte %d is %02x, not %02x", what, at, found, wanted), at);
  }

  AssertionError failure(String what) {
    return failure(what, -1);
  }

  private AssertionError failure(String what, long at) {
    StringBuilder text = new StringBuilder("operation " + count + ": " + what + "; the last were:");
    for (Done each : last) {
      text.append("\n  ").append(each.touches(at) ? "* " : "  ").append(each);
    }
    return new AssertionError(text.toString());
  }
}
