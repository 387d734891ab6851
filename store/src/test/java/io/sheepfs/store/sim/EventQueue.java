package io.sheepfs.store.sim;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is to happen, in the order of the times. A heap of two keys for each event, which lie side
 * by side: a simulation compares them more often than it does anything else.
 *
 * <p>By one thread at a time.
 */
final class EventQueue<E> {

  private long[] times = new long[64];
  private long[] ties = new long[64];
  private @Nullable Object[] events = new Object[64];
  private int size;

  /**
   * Adds an event.
   *
   * @param tie decides between events of the same time; no two of them have the same
   */
  void add(long time, long tie, E event) {
    if (size == times.length) {
      times = Arrays.copyOf(times, 2 * size);
      ties = Arrays.copyOf(ties, 2 * size);
      events = Arrays.copyOf(events, 2 * size);
    }
    int at = size++;
    while (at > 0) {
      int above = (at - 1) >>> 1;
      if (isBefore(times[above], ties[above], time, tie)) {
        break;
      }
      move(above, at);
      at = above;
    }
    put(at, time, tie, event);
  }

  /** Removes the first; null if there is none. */
  @SuppressWarnings("unchecked") // only add puts anything in
  @Nullable E poll() {
    if (size == 0) {
      return null;
    }
    final E first = (E) events[0];
    int last = --size;
    long time = times[last];
    long tie = ties[last];
    Object event = events[last];
    events[last] = null;
    int at = 0;
    for (int below = 1; below < last; below = 2 * at + 1) {
      int right = below + 1;
      if (right < last && isBefore(times[right], ties[right], times[below], ties[below])) {
        below = right;
      }
      if (isBefore(time, tie, times[below], ties[below])) {
        break;
      }
      move(below, at);
      at = below;
    }
    if (last > 0) {
      put(at, time, tie, event);
    }
    return first;
  }

  private static boolean isBefore(long time, long tie, long otherTime, long otherTie) {
    return time < otherTime || (time == otherTime && tie < otherTie);
  }

  private void move(int from, int to) {
    put(to, times[from], ties[from], events[from]);
  }

  private void put(int at, long time, long tie, @Nullable Object event) {
    times[at] = time;
    ties[at] = tie;
    events[at] = event;
  }
}
