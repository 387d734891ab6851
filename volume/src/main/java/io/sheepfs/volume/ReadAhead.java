package io.sheepfs.volume;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongPredicate;

/**
 * Notices who reads a disk from front to back, and has fetched what he will read next.
 *
 * <p>Reads are sorted into streams. One that begins exactly where an earlier one ended continues
 * its stream; after {@link #CONFIRMED_READS} such reads it is believed to be sequential, and what
 * lies ahead of it is asked for: a window that begins small and doubles, up to {@link
 * #MAX_WINDOW_BYTES}, whenever half of it was read. From then on requests may come out of order, as
 * a kernel's read-ahead sends them, as long as most of what the stream has passed was read; a
 * reader that skips more is not sequential any more, and what was asked for it, and is not under
 * way yet, is not fetched.
 *
 * <p>Holes and what lies behind the end are never asked for: the receiver leaves holes out, and the
 * end is given with each read. A store that caches fetches; for others this does nothing.
 *
 * <p>Safe for any number of threads. Two that read at the very same time do not wait for each
 * other: one of them is not counted, which costs at most a later start.
 */
final class ReadAhead {

  /** What is asked for at once; aligned to it, so that no piece crosses objects. */
  static final int PIECE_BYTES = 1 << 20;

  static final int MIN_WINDOW_BYTES = 256 << 10;
  static final int MAX_WINDOW_BYTES = 16 << 20;

  /** How many reads in a row make a stream. */
  static final int CONFIRMED_READS = 3;

  private static final int STREAMS = 8;

  /** How far from its head a read still belongs to a confirmed stream. */
  private static final int SLACK_BYTES = 2 << 20;

  /** Takes what should be fetched. */
  interface Receiver {
    /**
     * Asks for a range, holes and all.
     *
     * @param wanted tells for the end of a part of it whether that is still wanted
     */
    void expect(long from, long to, LongPredicate wanted);
  }

  private static final class Stream {
    long start;
    volatile long head = -1;
    long bytesRead;
    int reads;
    long issued;
    int windowBytes;
    long lastUsed;

    /** Changes when the stream ends, so that what was asked for it is not wanted any more. */
    volatile long life;

    boolean isConfirmed() {
      return reads >= CONFIRMED_READS;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // only whoever set busy writes
    void begin(long offset, long length) {
      life++;
      start = offset;
      head = offset + length;
      bytesRead = length;
      reads = 1;
      issued = 0;
      windowBytes = MIN_WINDOW_BYTES;
    }

    boolean continues(long offset) {
      return isConfirmed() ? Math.abs(offset - head) <= SLACK_BYTES : offset == head;
    }

    /** Whether more than half of what the stream has passed was read. */
    boolean isDense() {
      return bytesRead * 2 > head - start;
    }
  }

  private final Receiver receiver;
  private final Stream[] streams = new Stream[STREAMS];
  private final AtomicBoolean busy = new AtomicBoolean();
  private long clock;

  ReadAhead(Receiver receiver) {
    this.receiver = receiver;
    for (int i = 0; i < STREAMS; i++) {
      streams[i] = new Stream();
    }
  }

  /**
   * To be called before a read.
   *
   * @param sizeBytes where the disk ends
   */
  void reading(long offset, int length, long sizeBytes) {
    if (length <= 0 || !busy.compareAndSet(false, true)) {
      return;
    }
    try {
      Stream stream = streamOf(offset, length);
      if (stream.isConfirmed()) {
        ask(stream, sizeBytes);
      }
    } finally {
      busy.set(false);
    }
  }

  private Stream streamOf(long offset, int length) {
    Stream oldest = streams[0];
    for (Stream stream : streams) {
      if (stream.continues(offset)) {
        advance(stream, offset, length);
        return stream;
      }
      oldest = stream.lastUsed < oldest.lastUsed ? stream : oldest;
    }
    oldest.begin(offset, length);
    oldest.lastUsed = ++clock;
    return oldest;
  }

  private void advance(Stream stream, long offset, int length) {
    stream.lastUsed = ++clock;
    stream.reads++;
    stream.bytesRead += length;
    stream.head = Math.max(stream.head, offset + length);
    if (!stream.isDense()) {
      stream.begin(offset, length);
    }
    if (stream.head - stream.start > 4L * SLACK_BYTES) {
      // what was long ago says little of how it is read now
      long passed = stream.head - stream.start;
      stream.start += passed / 2;
      stream.bytesRead = Math.min(stream.bytesRead / 2, passed - passed / 2);
    }
  }

  private void ask(Stream stream, long sizeBytes) {
    long head = stream.head;
    long from = Math.max(stream.issued, head);
    if (from - head > stream.windowBytes / 2) {
      return;
    }
    long to = head + stream.windowBytes;
    if (to > PIECE_BYTES && stream.windowBytes >= 2 * PIECE_BYTES) {
      to -= to % PIECE_BYTES; // whole pieces, once they are many
    }
    to = Math.min(to, sizeBytes);
    if (to <= from) {
      return;
    }
    stream.issued = to;
    stream.windowBytes = Math.min(2 * stream.windowBytes, MAX_WINDOW_BYTES);
    long life = stream.life;
    receiver.expect(from, to, end -> stream.life == life && stream.head < end);
  }
}
