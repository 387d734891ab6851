package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.store.cluster.View.Peer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a node has to do with each object to have in an epoch what it should. A pure function.
 *
 * <p>A node that is not SYNCED brings up to date what it has on the ring. One that is, and one that
 * is new, fetches what it will have on the next ring. When the ring has changed, each drops what it
 * has no longer.
 */
final class RecoveryPlan {

  /** What to do with an object. */
  enum Step {
    /** Nothing: it is right, or somebody may still need it. */
    KEEP,
    /** Make it what it is at the authority, or take part in its absence. */
    FETCH,
    /** Remove it. */
    DROP
  }

  private RecoveryPlan() {}

  /**
   * The step for an object that is here, or that others have.
   *
   * @param view of the node that plans, which is a member
   * @param isListed whether one of the nodes that can be right has the object
   */
  static Step step(View view, ObjectId oid, int copies, boolean isListed) {
    Peer self = view.self();
    if (self == null) {
      throw new IllegalArgumentException("not a member of epoch " + view.number());
    }
    boolean onRing = view.isPlace(oid, copies);
    if (self.isSynced() && onRing) {
      return Step.KEEP;
    }
    boolean isPlace = onRing || view.allPlaces(oid, copies).contains(self);
    if (self.isSynced() && !isPlace) {
      return view.isMoving() ? Step.KEEP : Step.DROP;
    }
    boolean isKnown = view.authority(oid, copies).isSynced();
    if (isPlace && !onRing && self.member().seat().isOnRing() && !self.isSynced()) {
      // its turn comes when this node is SYNCED; a copy that is here may save the way then
      return Step.KEEP;
    }
    if (isPlace && (isListed || !isKnown)) {
      return Step.FETCH;
    }
    return isKnown ? Step.DROP : Step.KEEP;
  }

  /**
   * A node that has to be waited for, since it may have objects of which nobody else knows; null if
   * there is none.
   *
   * @param fewestCopies of any object
   */
  static @Nullable Peer awaited(View view, int fewestCopies) {
    Peer self = view.self();
    if (self == null) {
      throw new IllegalArgumentException("not a member of epoch " + view.number());
    }
    List<Peer> behind =
        view.all().stream()
            .filter(peer -> peer.member().seat().isOnRing() && !peer.isSynced())
            .filter(peer -> !peer.member().isGivenUp())
            .toList();
    if (fewestCopies > behind.size()) {
      return null;
    }
    boolean isNewToAll = self.isSynced() || !self.member().seat().isOnRing();
    for (Peer peer : behind) {
      int since = peer.member().since();
      boolean longer = since > self.member().since();
      boolean equalAndAway = since == self.member().since() && !peer.member().isPresent();
      if (!peer.isSelf() && (isNewToAll || longer || equalAndAway)) {
        return peer;
      }
    }
    return null;
  }
}
