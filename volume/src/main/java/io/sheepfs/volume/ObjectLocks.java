package io.sheepfs.volume;

import java.util.concurrent.locks.StampedLock;

/**
 * A lock for each object of a disk, striped. Input and output of an object that stays where it is
 * holds its lock shared; whatever changes the object's index entry, or must not meet a write of the
 * object, holds it exclusively.
 *
 * <p>Not reentrant. A thread holds one stripe, or several that it took in one call here, which
 * takes them in ascending order: so there is no deadlock.
 */
final class ObjectLocks {

  /** Objects that can be locked in one call, if the first is a multiple of this. */
  static final int RUN = 64;

  /** A multiple of {@link #RUN}, so that a run never wraps around. */
  private static final int STRIPES = 256;

  private final StampedLock[] stripes = new StampedLock[STRIPES];

  ObjectLocks() {
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new StampedLock();
    }
  }

  StampedLock of(int index) {
    return stripes[index & (STRIPES - 1)];
  }

  /**
   * Locks {@code [from, to)} exclusively; the range must lie within one aligned run.
   *
   * @return what {@link #unlockRun} wants
   */
  long[] lockRun(int from, int to) {
    return lock(from & (STRIPES - 1), to - from);
  }

  void unlockRun(int from, long[] stamps) {
    unlock(from & (STRIPES - 1), stamps);
  }

  /** Locks all objects exclusively. */
  long[] lockAll() {
    return lock(0, STRIPES);
  }

  void unlockAll(long[] stamps) {
    unlock(0, stamps);
  }

  private long[] lock(int first, int count) {
    long[] stamps = new long[count];
    for (int i = 0; i < count; i++) {
      stamps[i] = stripes[first + i].writeLock();
    }
    return stamps;
  }

  private void unlock(int first, long[] stamps) {
    for (int i = 0; i < stamps.length; i++) {
      stripes[first + i].unlockWrite(stamps[i]);
    }
  }
}
