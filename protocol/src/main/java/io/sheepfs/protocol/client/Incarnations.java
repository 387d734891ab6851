package io.sheepfs.protocol.client;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.VdiId;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a client has heard of the incarnations of its VDIs, and how often one was another than
 * before: {@link io.sheepfs.protocol.ObjectStore#losses}. Each VDI has a number of its own, as one
 * with few copies may lose something that others have kept.
 *
 * <p><b>Nothing is missed.</b> The counts of a VDI only grow, also over {@link #forget}, and the
 * first number that is heard of a VDI is that of the time before its first unstable write. So
 * whoever noted a count before a write finds a greater one, once an answer told of a loss since.
 * Where VDIs follow each other, so do their counts: {@link #continueAs}.
 *
 * <p>Safe for any number of threads.
 */
final class Incarnations {

  private static final Logger log = LoggerFactory.getLogger(Incarnations.class);

  /**
   * What is known of one VDI.
   *
   * @param number what the last answer said that said anything; 0 before that
   */
  private record Known(long number, long losses) {}

  /** Changed under the monitor. */
  private final Map<VdiId, Known> known = new ConcurrentHashMap<>();

  /** No VDI has a greater count. */
  @GuardedBy("this")
  private long greatest;

  /** How often a VDI is known to have lost something. */
  long losses(VdiId vid) {
    Known one = known.get(vid);
    return one != null ? one.losses : begin(vid).losses;
  }

  private synchronized Known begin(VdiId vid) {
    return known.computeIfAbsent(vid, first -> new Known(0, greatest));
  }

  /**
   * An unstable write was answered.
   *
   * @param number 0 from a sheep that does not tell
   */
  void written(VdiId vid, long number) {
    Known one = known.get(vid);
    if (number != 0 && (one == null || one.number != number)) {
      change(vid, number);
    }
  }

  /** A flush was answered. Of a VDI that nobody has written to it tells nothing. */
  void flushed(VdiId vid, long number) {
    if (known.containsKey(vid)) {
      written(vid, number);
    }
  }

  private synchronized void change(VdiId vid, long number) {
    Known before = begin(vid);
    if (before.number != 0 && before.number != number) {
      log.warn(
          "a sheep lost what was not flushed of VDI {}: its machine went down, or it changed its"
              + " cache",
          vid);
      lost(vid);
    }
    known.put(vid, new Known(number, losses(vid)));
  }

  /** What of a VDI is not flushed counts as lost. */
  synchronized void lost(VdiId vid) {
    known.put(vid, new Known(begin(vid).number, ++greatest));
  }

  /**
   * Who wrote to a VDI that has become a snapshot goes on with its successor: a count that was
   * noted for the one is compared with that of the other. The last answer for the snapshot has to
   * be from after it became one, when nothing of it could be lost any more.
   */
  synchronized void continueAs(VdiId snapshot, VdiId successor) {
    Known before = known.get(snapshot);
    if (before != null) {
      Known after = known.getOrDefault(successor, new Known(0, 0));
      known.put(successor, new Known(after.number, Math.max(before.losses, after.losses)));
    }
  }

  /** Nobody writes to a VDI any more. If anything of it is not flushed, it counts as lost. */
  synchronized void forget(VdiId vid) {
    if (known.remove(vid) != null) {
      greatest++;
    }
  }

  /** Of how many VDIs anything is known. */
  int size() {
    return known.size();
  }
}
