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
 */
public record CacheOptions(
    CacheMode mode,
    long sizeBytes,
    long freeSpaceBytes,
    long maxDirtyBytes,
    Duration writeOutAge,
    Duration flushAge,
    int readAheadBytes,
    int window) {

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
        window);
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
        window);
  }
}
