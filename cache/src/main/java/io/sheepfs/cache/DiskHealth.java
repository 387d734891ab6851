package io.sheepfs.cache;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether the cache's disk takes writes. After one failed nothing new is kept, and the store
 * serves, until {@link #check} finds that the disk works again. Safe for any number of threads.
 */
final class DiskHealth {

  private static final Logger log = LoggerFactory.getLogger(DiskHealth.class);

  private final CacheDisk disk;
  private final Counters counters;
  private volatile boolean failing;

  DiskHealth(CacheDisk disk, Counters counters) {
    this.disk = disk;
    this.counters = counters;
  }

  /** Notes a failure; the first of a row is told to the user. */
  void failed(IOException e) {
    counters.diskFailures.increment();
    if (e instanceof ClosedChannelException) {
      log.debug("a cache file was closed by an interrupt", e);
    } else if (failing) {
      log.debug("the cache's disk still fails", e);
    } else {
      failing = true;
      log.warn("the cache's disk failed; until it works again the store serves: {}", e.toString());
    }
  }

  boolean isFailing() {
    return failing;
  }

  /** Tries the disk again if it failed. */
  void check() {
    if (!failing) {
      return;
    }
    try {
      disk.probe();
      failing = false;
      log.info("the cache's disk works again");
    } catch (IOException e) {
      counters.diskFailures.increment();
      log.debug("the cache's disk still fails", e);
    }
  }
}
