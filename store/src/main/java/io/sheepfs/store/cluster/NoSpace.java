package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.cluster.PeerCalls.Sequence;
import java.io.IOException;
import java.util.List;

/**
 * A change for which some places have no space, although {@link Room} expected it. Those who took
 * it give it back: they take the object as it is at a place that refused, where it is the old one,
 * or as far as the change got there. So the copies are the same again, the writer is told, and no
 * node has to leave.
 *
 * <p>Safe for any number of threads.
 */
final class NoSpace {

  private final Replica own;
  private final PeerCalls peers;

  NoSpace(Replica own, PeerCalls peers) {
    this.own = own;
    this.peers = peers;
  }

  /**
   * Makes the object everywhere what it is at the keeper, while nobody changes it. A keeper that
   * has nothing of an object that was there before has nothing to give: it has not moved there yet.
   *
   * @param keeper a place that refused, and is SYNCED
   * @param isNew whether the change was to make the object
   * @param sequence of a change of its own
   */
  void giveBack(
      View view,
      ObjectId oid,
      View.Peer keeper,
      boolean isNew,
      List<View.Peer> places,
      Sequence sequence)
      throws IOException {
    boolean isThere = isThere(view, oid, keeper);
    if (!isThere && !isNew) {
      throw new SheepException(ResultCode.NO_SPACE, keeper + " never had " + oid);
    }
    int epoch = view.number();
    int distance = (int) (sequence.number() - sequence.oldestUnfinished());
    for (View.Peer place : places) {
      if (place.equals(keeper)) {
        continue;
      }
      if (isThere && place.isSelf()) {
        own.replace(epoch, oid, keeper.node());
      } else if (isThere) {
        peers.replace(place.node(), epoch, oid, keeper.node());
      } else if (place.isSelf()) {
        own.remove(epoch, sequence.number(), distance, oid);
      } else {
        peers.remove(place.node(), epoch, sequence, oid);
      }
    }
  }

  private boolean isThere(View view, ObjectId oid, View.Peer place) throws IOException {
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
