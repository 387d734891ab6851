package io.sheepfs.store;

/** The space of a disk that is kept for what frees space, and into which nothing is created. */
public final class Reserve {

  private static final long LEAST_BYTES = 8 << 20;
  private static final long MOST_BYTES = 1 << 30;
  private static final int SHARE = 20;

  private Reserve() {}

  /** Of a disk of this size: a twentieth of it, 8 MiB at least and 1 GiB at most. */
  public static long bytes(long totalBytes) {
    return Math.max(LEAST_BYTES, Math.min(totalBytes / SHARE, MOST_BYTES));
  }
}
