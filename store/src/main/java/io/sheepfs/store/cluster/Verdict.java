package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What follows from the answers of the places of an object to a change that not all have made. A
 * pure function.
 *
 * <p>A failure of the moment says nothing of the change, and it is tried again. A refusal of all
 * SYNCED places is the answer: the change is wrong, and nothing has changed. If only some refuse,
 * their disks do not do what those of others did: they are unfit. Want of space is no reason to
 * lose a place as long as the change can be given back.
 *
 * @param <N> a node
 */
sealed interface Verdict<N> {

  /** Those who are to lose their places; with {@link Full}, if it cannot be given back. */
  List<N> unfit();

  /** It has to be tried again in another epoch, after the failure that was the cause. */
  record Again<N>(IOException cause, List<N> unfit) implements Verdict<N> {}

  /** All SYNCED places refuse it; who made it nevertheless is unfit. */
  record Refused<N>(SheepException refusal, List<N> unfit) implements Verdict<N> {}

  /**
   * A SYNCED place has no space for what others took.
   *
   * @param keeper such a place: it has the object as it was
   * @param refusal what it said
   */
  record Full<N>(N keeper, SheepException refusal, List<N> unfit) implements Verdict<N> {}

  /**
   * Judges.
   *
   * @param what was to be done, for messages
   * @param places all who were asked
   * @param synced those of them that have the object for sure, one at least
   * @param failures of those that have not made the change, one at least
   */
  static <N> Verdict<N> of(
      String what, List<N> places, List<N> synced, Map<N, IOException> failures) {
    IOException passing = null;
    SheepException refusal = null;
    N keeper = null;
    SheepException full = null;
    boolean isForSpaceOnly = true; // as far as anybody refuses
    int refusing = 0;
    for (Map.Entry<N, IOException> one : failures.entrySet()) {
      if (isPassing(one.getValue())) {
        passing = one.getValue();
      } else if (one.getValue() instanceof SheepException known) {
        boolean isSynced = synced.contains(one.getKey());
        boolean isFull = known.result() == ResultCode.NO_SPACE;
        refusal = known;
        refusing += isSynced ? 1 : 0;
        isForSpaceOnly &= isFull;
        if (isFull && isSynced && keeper == null) {
          keeper = one.getKey();
          full = known;
        }
      }
    }
    if (passing != null && isForSpaceOnly) {
      return new Again<>(passing, List.of()); // who did not answer may have taken it
    }
    if (refusal == null) {
      throw new IllegalArgumentException(what + ": all have done it");
    }
    if (isForSpaceOnly && keeper != null && full != null) {
      return new Full<>(keeper, full, List.copyOf(failures.keySet()));
    }
    boolean isUnanimous = refusing == synced.size();
    List<N> unfit = new ArrayList<>();
    for (N place : places) {
      IOException failure = failures.get(place);
      boolean refuses = failure != null && !isPassing(failure);
      boolean isMissing = refusal.result() == ResultCode.NO_OBJ;
      if (isUnanimous ? !refuses && !isMissing : refuses) {
        unfit.add(place);
      }
    }
    return isUnanimous
        ? new Refused<>(new SheepException(refusal.result(), what, refusal), unfit)
        : new Again<>(refusal, unfit);
  }

  /** Whether a failure says something of the moment, and not of the request. */
  static boolean isPassing(IOException failure) {
    if (!(failure instanceof SheepException known)) {
      return true;
    }
    return switch (known.result()) {
      case OLD_NODE_VER, NEW_NODE_VER, NETWORK_ERROR, STARTUP, AGAIN, SHUTDOWN, HALT -> true;
      case WAIT_FOR_FORMAT, WAIT_FOR_JOIN, KILLED -> true;
      default -> false;
    };
  }
}
