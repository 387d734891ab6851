package io.sheepfs.cache;

import java.time.Duration;

/**
 * How a cache behaves.
 *
 * @param mode what happens to writes
 * @param sizeBytes how much clean data is kept; more is reclaimed
 * @param freeSpaceBytes what the disk must have free; nothing new is cached below it
 * @param maxDirtyBytes how much may wait to be flushed before writers wait; they are slowed from
 *     half of it on
 * @param writeOutAge how old dirty data gets before it is handed to the store, unstable
 * @param flushAge how old dirty data gets before its VDI is flushed
 * @param readAheadBytes a miss fetches whole multiples of this: a power of two, 4 KiB to 1 MiB
 * @param window how many pushes of one flush are on their way at the same time
 * @param access how the files of the cache are opened
 */
public record CacheOptions(
    CacheMode mode,
    long sizeBytes,
    long freeSpaceBytes,
    long maxDirtyBytes,
    Duration writeOutAge,
    Duration flushAge,
    int readAheadBytes,
    int window,
    DiskAccess access) {

  /** How the files with cached objects are opened. */
  public enum DiskAccess {
    /** Through the page cache of the kernel. */
    PLAIN(false, false),
    /** Past it, with O_DIRECT: the memory is left to others. */
    DIRECT(true, false),
    /** With O_DSYNC: a write is on the disk when it returns. */
    DSYNC(false, true),
    /** Both. */
    DIRECT_DSYNC(true, true);

    private final boolean direct;
    private final boolean dsync;

    DiskAccess(boolean direct, boolean dsync) {
      this.direct = direct;
      this.dsync = dsync;
    }

    /** That with these flags. */
    public static DiskAccess of(boolean direct, boolean dsync) {
      return direct ? dsync ? DIRECT_DSYNC : DIRECT : dsync ? DSYNC : PLAIN;
    }

    /** Whether it is O_DIRECT. */
    public boolean isDirect() {
      return direct;
    }

    /** Whether it is O_DSYNC. */
    public boolean isDsync() {
      return dsync;
    }
  }

  /** With plain access to the files. */
  public CacheOptions(
      CacheMode mode,
      long sizeBytes,
      long freeSpaceBytes,
      long maxDirtyBytes,
      Duration writeOutAge,
      Duration flushAge,
      int readAheadBytes,
      int window) {
    this(
        mode,
        sizeBytes,
        freeSpaceBytes,
        maxDirtyBytes,
        writeOutAge,
        flushAge,
        readAheadBytes,
        window,
        DiskAccess.PLAIN);
  }

  public CacheOptions {
    if (sizeBytes < 0 || freeSpaceBytes < 0 || maxDirtyBytes < 1 << 20) {
      throw new IllegalArgumentException(
          "cache sizes: " + sizeBytes + ", " + freeSpaceBytes + ", " + maxDirtyBytes);
    }
    if (Integer.bitCount(readAheadBytes) != 1
        || readAheadBytes < BlockMap.BLOCK_BYTES
        || readAheadBytes > 1 << 20) {
      throw new IllegalArgumentException("read-ahead of " + readAheadBytes + " bytes");
    }
    if (window < 1 || window > 1024) {
      throw new IllegalArgumentException("window " + window);
    }
  }

  /** Write-back with 4 GiB of clean data, 1 GiB of dirty data at most, and 1 GiB left free. */
  public static CacheOptions defaults() {
    return new CacheOptions(
        CacheMode.WRITEBACK,
        4L << 30,
        1L << 30,
        1L << 30,
        Duration.ofSeconds(2),
        Duration.ofSeconds(30),
        64 << 10,
        16);
  }

  /** The same in another mode. */
  public CacheOptions withMode(CacheMode newMode) {
    return new CacheOptions(
        newMode,
        sizeBytes,
        freeSpaceBytes,
        maxDirtyBytes,
        writeOutAge,
        flushAge,
        readAheadBytes,
        window,
        access);
  }

  /** The same with another access to the files. */
  public CacheOptions withAccess(DiskAccess newAccess) {
    return new CacheOptions(
        mode,
        sizeBytes,
        freeSpaceBytes,
        maxDirtyBytes,
        writeOutAge,
        flushAge,
        readAheadBytes,
        window,
        newAccess);
  }

  /** The same with other limits. */
  public CacheOptions withLimits(long newSizeBytes, long newFreeSpaceBytes, long newMaxDirtyBytes) {
    return new CacheOptions(
        mode,
        newSizeBytes,
        newFreeSpaceBytes,
        newMaxDirtyBytes,
        writeOutAge,
        flushAge,
        readAheadBytes,
        window,
        access);
  }
}
