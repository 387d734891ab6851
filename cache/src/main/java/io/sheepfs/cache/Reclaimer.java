package io.sheepfs.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;

/**
 * Decides which objects to throw out: Caffeine's W-TinyLFU over their blocks. An object with dirty
 * blocks weighs nothing, which pins it. Safe for any number of threads, none of which may hold the
 * lock of an object.
 */
final class Reclaimer {

  private static final int AT_ONCE = 16;

  private final Consumer<CachedObject> evict;
  private final Queue<CachedObject> victims = new ConcurrentLinkedQueue<>();
  private final Cache<CachedObject, CachedObject> policy;
  private volatile boolean full;

  /**
   * @param evict throws an object out, unless it is in use
   */
  Reclaimer(long maxBlocks, Consumer<CachedObject> evict) {
    this.evict = evict;
    this.policy =
        Caffeine.newBuilder()
            .maximumWeight(maxBlocks)
            .weigher(
                (CachedObject key, CachedObject object) ->
                    object.dirtyCount > 0 ? 0 : Math.max(0, object.validCount))
            .executor(Runnable::run)
            .evictionListener((key, object, cause) -> add(object))
            .build();
  }

  private void add(@org.jspecify.annotations.Nullable CachedObject object) {
    if (object != null) {
      victims.add(object);
    }
  }

  /** Notes that an object was used. */
  void touch(CachedObject object) {
    var unused = policy.getIfPresent(object);
  }

  /** Weighs an object that grew or changed state, and makes room for it. */
  void weigh(CachedObject object) {
    if (object.validCount > 0) {
      policy.put(object, object);
    } else {
      policy.invalidate(object);
    }
    // One that is in use stays; maintenance weighs it again.
    for (CachedObject victim = victims.poll(); victim != null; victim = victims.poll()) {
      evict.accept(victim);
    }
  }

  /** Whether there is room on the disk for more. */
  boolean mayGrow() {
    return !full;
  }

  /** Throws the coldest out while the disk has less free than it must. */
  void keepFree(long freeBytes, long floorBytes) {
    full = freeBytes < floorBytes;
    if (full) {
      policy.policy().eviction().map(Reclaimer::coldest).orElse(List.of()).forEach(evict);
    }
  }

  private static List<CachedObject> coldest(Policy.Eviction<CachedObject, CachedObject> eviction) {
    return List.copyOf(eviction.coldest(AT_ONCE).keySet());
  }
}
