package io.sheepfs.volume;

import io.sheepfs.protocol.InodeLayout;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The object index of an inode in memory: for each object of the disk, the id of the VDI that owns
 * it. Kept in segments that exist only where something is allocated, so that a large empty disk
 * costs nothing and the index never has to be copied to grow.
 *
 * <p>Safe for any number of threads; entries are read and set as volatile variables.
 */
final class ObjectIndex {

  /** An entry without an object: reads as zeros. */
  static final int HOLE = 0;

  /** An entry whose last change may or may not have reached the inode: to be read again. */
  static final int UNKNOWN = -1;

  private static final int SEGMENT_SHIFT = 10;
  private static final int SEGMENT_ENTRIES = 1 << SEGMENT_SHIFT;

  private final AtomicReferenceArray<AtomicIntegerArray> segments =
      new AtomicReferenceArray<>(InodeLayout.INDEX_ENTRIES >> SEGMENT_SHIFT);
  private final AtomicInteger allocated = new AtomicInteger();

  int get(int index) {
    AtomicIntegerArray segment = segments.get(index >> SEGMENT_SHIFT);
    return segment == null ? HOLE : segment.get(index & (SEGMENT_ENTRIES - 1));
  }

  void set(int index, int entry) {
    int slot = index >> SEGMENT_SHIFT;
    AtomicIntegerArray segment = segments.get(slot);
    if (segment == null) {
      if (entry == HOLE) {
        return;
      }
      segments.compareAndSet(slot, null, new AtomicIntegerArray(SEGMENT_ENTRIES));
      segment = segments.get(slot);
    }
    int before = segment.getAndSet(index & (SEGMENT_ENTRIES - 1), entry);
    if (before == HOLE && entry != HOLE) {
      allocated.incrementAndGet();
    } else if (before != HOLE && entry == HOLE) {
      allocated.decrementAndGet();
    }
  }

  /** How many entries are no holes. */
  int allocated() {
    return allocated.get();
  }

  /** The first entry in {@code [from, to)} that is no hole, or {@code to}. */
  int nextData(int from, int to) {
    int index = from;
    while (index < to) {
      if (segments.get(index >> SEGMENT_SHIFT) == null) {
        index = ((index >> SEGMENT_SHIFT) + 1) << SEGMENT_SHIFT;
      } else if (get(index) == HOLE) {
        index++;
      } else {
        return index;
      }
    }
    return to;
  }

  /** The first hole in {@code [from, to)}, or {@code to}. */
  int nextHole(int from, int to) {
    int index = from;
    while (index < to && get(index) != HOLE) {
      index++;
    }
    return index;
  }
}
