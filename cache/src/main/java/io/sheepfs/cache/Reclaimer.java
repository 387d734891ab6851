package io.sheepfs.cache;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Policy;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides which objects to throw out: Caffeine's W-TinyLFU over their blocks. An object with dirty
 * blocks weighs nothing, which pins it.
 *
 * <p>Three limits hold at the same time. The size of the cache is the weight of one policy for all
 * objects. A VDI with a quota has a policy of its own beside it, whose weight is what its dirty
 * blocks leave of the quota; an object that either policy throws out leaves both. What the disk
 * must have free is looked at now and then, and what came since is counted against it.
 *
 * <p>Safe for any number of threads, none of which may hold the lock of an object, except for
 * {@link #remove}.
 */
final class Reclaimer {

  private static final int AT_ONCE = 64;

  private final Predicate<CachedObject> evict;
  private final Counters counters;
  private final Queue<CachedObject> victims = new ConcurrentLinkedQueue<>();
  private final Cache<CachedObject, CachedObject> policy;

  /** So many valid blocks in all are the most that the disk has room for; it was looked at. */
  private volatile long roomBlocks = Long.MAX_VALUE;

  /**
   * @param evict throws an object out, unless it is in use; returns whether it did
   */
  Reclaimer(long maxBlocks, Counters counters, Predicate<CachedObject> evict) {
    this.evict = evict;
    this.counters = counters;
    this.policy = policy(maxBlocks);
  }

  private Cache<CachedObject, CachedObject> policy(long maxBlocks) {
    return Caffeine.newBuilder()
        .maximumWeight(maxBlocks)
        .weigher(
            (CachedObject key, CachedObject object) ->
                object.dirtyCount > 0 ? 0 : Math.max(0, object.validCount))
        .executor(Runnable::run)
        .evictionListener((key, object, cause) -> add(object))
        .build();
  }

  private void add(@Nullable CachedObject object) {
    if (object != null) {
      victims.add(object);
    }
  }

  /** Notes that an object was used. */
  void touch(CachedObject object) {
    var unused = policy.getIfPresent(object);
    Cache<CachedObject, CachedObject> own = object.vdi.share.policy;
    if (own != null) {
      unused = own.getIfPresent(object);
    }
  }

  /** Weighs an object that grew or changed state, and makes room for it. */
  void weigh(CachedObject object) {
    weigh(policy, object);
    Cache<CachedObject, CachedObject> own = object.vdi.share.policy;
    if (own != null) {
      weigh(own, object);
    }
    throwOut();
  }

  private static void weigh(Cache<CachedObject, CachedObject> in, CachedObject object) {
    if (object.validCount > 0) {
      in.put(object, object);
    }
    if (object.validCount <= 0) {
      in.invalidate(object); // also if it went while it was put in
    }
  }

  private void throwOut() {
    // One that is in use stays; maintenance weighs it again.
    for (CachedObject victim = victims.poll(); victim != null; victim = victims.poll()) {
      var unused = evict.test(victim);
    }
  }

  /** Forgets an object that is out. */
  void remove(CachedObject object) {
    policy.invalidate(object);
    Cache<CachedObject, CachedObject> own = object.vdi.share.policy;
    if (own != null) {
      own.invalidate(object);
    }
  }

  /**
   * Sets or lifts the quota of a share.
   *
   * @param limitBlocks 0 for none
   * @param objects all objects of the cache
   */
  void limit(Share share, long limitBlocks, Iterable<CachedObject> objects) {
    share.limitBlocks = limitBlocks;
    if (limitBlocks == 0) {
      share.policy = null;
      return;
    }
    if (share.policy == null) {
      share.policy = policy(limitBlocks);
    }
    settle(share);
    for (CachedObject object : objects) {
      if (object.vdi.share.equals(share)) {
        weigh(object);
      }
    }
  }

  /** Leaves to what is clean of a share what its quota has left besides what is dirty. */
  void settle(Share share) {
    Cache<CachedObject, CachedObject> own = share.policy;
    if (own != null) {
      long left = Math.max(0, share.limitBlocks - share.dirtyBlocks.get());
      own.policy()
          .eviction()
          .filter(eviction -> eviction.getMaximum() != left)
          .ifPresent(eviction -> eviction.setMaximum(left));
      throwOut();
    }
  }

  /** Whether there is room on the disk for more. */
  boolean mayGrow() {
    return counters.validBlocks.sum() < roomBlocks;
  }

  /** Throws the coldest out while the disk has less free than it must. */
  void keepFree(long freeBytes, long floorBytes) {
    long spare = (freeBytes - floorBytes) >> BlockMap.BLOCK_SHIFT;
    roomBlocks = counters.validBlocks.sum() + spare;
    long missing = -spare;
    for (CachedObject object : missing > 0 ? coldest() : List.<CachedObject>of()) {
      int blocks = object.validCount;
      if (missing > 0 && evict.test(object)) {
        missing -= blocks;
      }
    }
  }

  private List<CachedObject> coldest() {
    return policy.policy().eviction().map(Reclaimer::coldest).orElse(List.of());
  }

  private static List<CachedObject> coldest(Policy.Eviction<CachedObject, CachedObject> eviction) {
    return List.copyOf(eviction.coldest(AT_ONCE).keySet());
  }
}
