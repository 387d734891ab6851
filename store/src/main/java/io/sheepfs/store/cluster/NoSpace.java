package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.cluster.PeerCalls.Sequence;
import java.io.IOException;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A change for which some places have no space, although {@link Room} expected it. Those who took
 * it give it back: they take the object as it is at a place that refused, where it is the old one,
 * or as far as the change got there. So the copies are the same again, the writer is told, and no
 * node has to leave.
 *
 * @param keeper a place that refused and was SYNCED for the object; null if only others did, which
 *     may have no copy yet
 * @param full what it said, or what one of those said
 * @param passing the failure of a place that may have the change, or not; null if there is none
 */
record NoSpace(View.@Nullable Peer keeper, SheepException full, @Nullable IOException passing) {

  /** Whether somebody has no space, and nobody refuses for another reason. */
  static boolean isIt(Collection<IOException> failures) {
    return failures.stream().anyMatch(NoSpace::isFull)
        && failures.stream().allMatch(failure -> isFull(failure) || Gateway.isPassing(failure));
  }

  private static boolean isFull(IOException failure) {
    return failure instanceof SheepException known && known.result() == ResultCode.NO_SPACE;
  }

  /**
   * What {@link #isIt} is true of.
   *
   * @param synced the places that have the object for sure: not those to which it moves
   */
  static NoSpace of(Map<View.Peer, IOException> failures, List<View.Peer> synced) {
    View.Peer keeper = null;
    SheepException full = null;
    IOException passing = null;
    for (Map.Entry<View.Peer, IOException> one : failures.entrySet()) {
      if (!isFull(one.getValue())) {
        passing = one.getValue();
      } else if (one.getValue() instanceof SheepException known && keeper == null) {
        full = known;
        keeper = synced.contains(one.getKey()) ? one.getKey() : null;
      }
    }
    if (full == null) {
      throw new IllegalArgumentException("there is space");
    }
    return new NoSpace(keeper, full, passing);
  }

  /**
   * Makes the object everywhere what it is at the keeper, while nobody changes it. A keeper that
   * has nothing of an object that was there before has nothing to give: it has not moved there yet.
   *
   * @param isNew whether the change was to make the object
   * @param sequence of a change of its own
   */
  void giveBack(
      View view,
      ObjectId oid,
      boolean isNew,
      List<View.Peer> places,
      Sequence sequence,
      Replica own,
      PeerCalls peers)
      throws IOException {
    View.Peer right = keeper;
    if (right == null) {
      throw new IllegalStateException("nobody has the old copy");
    }
    boolean isThere = isThere(view, oid, right, own, peers);
    if (!isThere && !isNew) {
      throw new SheepException(ResultCode.NO_SPACE, right + " never had " + oid);
    }
    int epoch = view.number();
    int distance = (int) (sequence.number() - sequence.oldestUnfinished());
    for (View.Peer place : places) {
      if (place.equals(right)) {
        continue;
      }
      if (isThere && place.isSelf()) {
        own.replace(epoch, oid, right.node());
      } else if (isThere) {
        peers.replace(place.node(), epoch, oid, right.node());
      } else if (place.isSelf()) {
        own.remove(epoch, sequence.number(), distance, oid);
      } else {
        peers.remove(place.node(), epoch, sequence, oid);
      }
    }
  }

  private static boolean isThere(
      View view, ObjectId oid, View.Peer place, Replica own, PeerCalls peers) throws IOException {
    try {
      return (place.isSelf()
              ? own.storedBytes(view.number(), false, oid)
              : peers.storedBytes(place.node(), view.number(), 0, oid))
          >= 0;
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
      return false;
    }
  }
}
