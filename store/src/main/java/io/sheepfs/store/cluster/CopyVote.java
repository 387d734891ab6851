package io.sheepfs.store.cluster;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which copies of an object are right. A pure function: what more than half of those say that have
 * one. A copy that is missing, or that its node knows to be damaged, says nothing.
 *
 * @param source a node with the right copy; null if there is no majority, or no copy
 * @param wrong the nodes whose copy is not it
 */
record CopyVote<N>(@Nullable N source, List<N> wrong) {

  /** For a copy that is missing. */
  static final String MISSING = "missing";

  /** For a copy that cannot be read, or that has changed on the disk. */
  static final String DAMAGED = "damaged";

  /**
   * Counts.
   *
   * @param found the digest on each node, or {@link #MISSING} or {@link #DAMAGED}
   */
  static <N> CopyVote<N> of(Map<N, String> found) {
    Map<String, Integer> votes = new HashMap<>();
    int voters = 0;
    for (String digest : found.values()) {
      if (!digest.equals(MISSING) && !digest.equals(DAMAGED)) {
        votes.merge(digest, 1, Integer::sum);
        voters++;
      }
    }
    String right = null;
    for (Map.Entry<String, Integer> vote : votes.entrySet()) {
      if (vote.getValue() * 2 > voters) {
        right = vote.getKey();
      }
    }
    N source = null;
    List<N> wrong = new ArrayList<>();
    for (Map.Entry<N, String> copy : found.entrySet()) {
      if (!copy.getValue().equals(right)) {
        wrong.add(copy.getKey());
      } else if (source == null) {
        source = copy.getKey();
      }
    }
    return new CopyVote<>(source, wrong);
  }

  /** Whether nobody has the object: it was deleted meanwhile. */
  static boolean isGone(Map<?, String> found) {
    return found.values().stream().allMatch(MISSING::equals);
  }
}
