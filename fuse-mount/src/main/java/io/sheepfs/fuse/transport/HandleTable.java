package io.sheepfs.fuse.transport;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Open files and directories by the number the kernel knows them by. Looking one up takes no lock
 * and allocates nothing; a number is used again only after {@link #remove}.
 *
 * <p>Safe for any number of threads.
 */
public final class HandleTable<T> {

  private static final int FIRST_CAPACITY = 64;

  @GuardedBy("this")
  private final ArrayDeque<Integer> free = new ArrayDeque<>();

  @GuardedBy("this")
  private int used;

  /** Replaced, never resized in place; slots are published by the volatile write of the array. */
  private volatile @Nullable Object[] slots = new @Nullable Object[FIRST_CAPACITY];

  /** Files a handle under a number. */
  public synchronized long add(T handle) {
    Integer reused = free.poll();
    int number = reused != null ? reused : used++;
    @Nullable Object[] array = slots;
    if (number == array.length) {
      array = Arrays.copyOf(array, array.length * 2);
    }
    array[number] = handle;
    slots = array;
    return number;
  }

  /**
   * The handle with a number.
   *
   * @return null if there is none, which only a confused kernel could cause
   */
  @SuppressWarnings("unchecked")
  public @Nullable T get(long number) {
    @Nullable Object[] array = slots;
    return number >= 0 && number < array.length ? (T) array[(int) number] : null;
  }

  /** Takes a handle out; null if it was not there. */
  public synchronized @Nullable T remove(long number) {
    T handle = get(number);
    if (handle != null) {
      @Nullable Object[] array = slots;
      array[(int) number] = null;
      slots = array;
      free.add((int) number);
    }
    return handle;
  }
}
