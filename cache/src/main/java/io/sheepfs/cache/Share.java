package io.sheepfs.cache;

import com.github.benmanes.caffeine.cache.Cache;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * What the VDIs of one name, the working one and its snapshots, have of a cache, and may have. Safe
 * for any number of threads.
 */
final class Share {

  /** The name of the VDIs; empty if it is not known. */
  final String name;

  final LongAdder validBlocks = new LongAdder();
  final AtomicLong dirtyBlocks = new AtomicLong();

  /** How many blocks they may have; 0 for as many as there is room for. */
  volatile long limitBlocks;

  /** Who goes first when there are more; null without a limit. */
  volatile @Nullable Cache<CachedObject, CachedObject> policy;

  Share(String name) {
    this.name = name;
  }

  /** Whether what is dirty alone fills it. */
  boolean isFullOfDirt() {
    return limitBlocks > 0 && dirtyBlocks.get() >= limitBlocks;
  }
}
