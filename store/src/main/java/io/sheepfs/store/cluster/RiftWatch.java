package io.sheepfs.store.cluster;

import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Rifts.Rift;
import java.time.Duration;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/**
 * Lets a picture of the rifts in the network become steady before anything follows from it: who is
 * cut off from several nodes falls silent for one of them first, and that one must not leave for
 * it. Until then nobody leaves the epoch, and nobody whom a rift keeps out comes back.
 *
 * <p>By one thread only.
 */
final class RiftWatch {

  private final long steadyNanos;
  private Set<Rift> rifts = Set.of();
  private Set<String> keptOut = Set.of();
  private long sinceNanos;
  private boolean steady = true;

  /**
   * Knows of no rift.
   *
   * @param steady how long a picture has to last
   */
  RiftWatch(Duration steady) {
    this.steadyNanos = steady.toNanos();
  }

  /** Whether something may follow from what was seen last by the passing of time alone. */
  boolean isPending() {
    return !steady;
  }

  /** Who has to be counted as absent: {@link Rifts#leftOut}, once it is steady. */
  Set<String> leftOut(
      Epoch epoch, Map<String, String> there, Set<Rift> seen, boolean cannotOpen, long nowNanos) {
    if (!seen.equals(rifts)) {
      rifts = Set.copyOf(seen);
      sinceNanos = nowNanos;
      steady = false;
    }
    Set<String> out = new HashSet<>(Rifts.leftOut(epoch, there, rifts, cannotOpen));
    steady |= nowNanos - sinceNanos >= steadyNanos;
    if (!steady) {
      out.addAll(keptOut);
      out.removeIf(id -> isPresent(epoch, id));
    }
    keptOut = Set.copyOf(out);
    return out;
  }

  private static boolean isPresent(Epoch epoch, String id) {
    Member member = epoch.member(id);
    return member != null && member.isPresent();
  }
}
