package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.store.cluster.PeerCalls.Sequence;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The numbers of the changes of one term, by which places tell a late change from a new one, and
 * know which changes may not be on all of them: {@link Replica}.
 *
 * <p><b>What holds.</b> Numbers only grow. A number is unfinished as long as its change may be on
 * some places and not on others: from its begin until all have it, or none has, or all have the
 * object whole from a later change; else until the epoch ends, for the next one begins by making
 * agree what was unfinished. So below the oldest unfinished number all copies are equal.
 *
 * <p>Safe for any number of threads.
 */
final class ChangeNumbers {

  @GuardedBy("this")
  private final TreeSet<Long> unfinished = new TreeSet<>();

  /** Those whose changes have failed half way, by their objects: the copies of these may differ. */
  @GuardedBy("this")
  private final Map<ObjectId, List<Long>> halfDone = new HashMap<>();

  @GuardedBy("this")
  private long last;

  @GuardedBy("this")
  private int epoch;

  /** What has become of a change. */
  enum Outcome {
    /** All places have the object as the change makes it, whatever they had before. */
    WHOLE,
    /** All places have done what it says. */
    DONE,
    /** No place has done anything. */
    REFUSED,
    /** Some may have it, and some not; whoever asked for it is told so. */
    HALF_DONE
  }

  /** A number for a change that is sent in an epoch. */
  synchronized Sequence begin(int inEpoch) {
    if (inEpoch != epoch) {
      // what was given up was settled when the epoch began
      epoch = inEpoch;
      halfDone.values().forEach(unfinished::removeAll);
      halfDone.clear();
    }
    long number = ++last;
    unfinished.add(number);
    return new Sequence(number, unfinished.first());
  }

  /**
   * A change of an object has ended.
   *
   * @param numbers of all its attempts
   */
  synchronized void end(ObjectId oid, List<Long> numbers, Outcome outcome) {
    if (outcome == Outcome.HALF_DONE && !numbers.isEmpty()) {
      halfDone.computeIfAbsent(oid, any -> new ArrayList<>()).addAll(numbers);
      return;
    }
    numbers.forEach(unfinished::remove);
    if (outcome == Outcome.WHOLE) {
      List<Long> earlier = halfDone.remove(oid);
      if (earlier != null) {
        unfinished.removeAll(earlier);
      }
    }
  }

  /** Whether copies of an object may differ, since a change of it has failed half way. */
  synchronized boolean isHalfDone(int inEpoch, ObjectId oid) {
    return epoch == inEpoch && halfDone.containsKey(oid);
  }
}
