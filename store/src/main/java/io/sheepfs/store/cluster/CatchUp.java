package io.sheepfs.store.cluster;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.NodeObjects;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * In which objects a node is right, and how it becomes right in the others: it takes them from a
 * node that is.
 *
 * <p><b>Recovered objects.</b> While the node is SYNCING, or is not yet a place of an object, an
 * object counts as recovered once it was made, removed or fetched since; whoever wants to change
 * another one fetches it first. As every change since the epoch was opened comes here, too, a
 * recovered object stays right, as long as the node is a member, the rings are the same, and one of
 * its places is SYNCED.
 *
 * <p><b>Want of space.</b> A place that catches up does not refuse a change for which it has no
 * room, or of an object that the disks of others have damaged: it is not right in the object before
 * it has fetched it, and until then others are. So it notes that the object is not recovered, and
 * the change succeeds ({@link Gaps}). What such a place takes leaves {@link Headroom}.
 *
 * <p>The locks are {@link Replica}'s: what takes a view is called in that epoch, which does not end
 * meanwhile, and what changes an object by one thread at a time. Under those it is safe for any
 * number of threads.
 */
final class CatchUp {

  private final NodeObjects files;
  private final CopyNumbers copies;
  private final Fetcher fetcher;
  private final Headroom headroom;
  private final Set<ObjectId> recovered = ConcurrentHashMap.newKeySet();
  private final Gaps gaps = new Gaps();

  CatchUp(NodeObjects files, CopyNumbers copies, Fetcher fetcher, Headroom headroom) {
    this.files = files;
    this.copies = copies;
    this.fetcher = fetcher;
    this.headroom = headroom;
  }

  /** An epoch begins; nothing else is under way. */
  void begin(View next) {
    gaps.begin();
    // whoever is not SYNCED has to ask the one again who had the object last, when it is back
    recovered.removeIf(oid -> !copies.hasSyncedPlace(next, oid));
  }

  /** Nothing counts as recovered: another incarnation begins, or objects go elsewhere. */
  void forgetAll() {
    recovered.clear();
  }

  /** Counts an object as not recovered. */
  void forget(ObjectId oid) {
    recovered.remove(oid);
  }

  /** Whether this node has an object as a SYNCED place, and so every acknowledged change of it. */
  boolean has(View now, ObjectId oid) throws SheepException {
    View.Peer self = now.self();
    if (self == null || !self.isSynced()) {
      return false;
    }
    return !now.isMoving() || now.isPlace(oid, copies.of(now, oid));
  }

  /** Whether every acknowledged change of an object is here. */
  boolean isRight(View now, ObjectId oid) throws SheepException {
    return has(now, oid) || recovered.contains(oid);
  }

  /**
   * Changes an object; it is right before that, or at least after it.
   *
   * @param bytes how much room that takes
   * @param whole whether it does not matter what the object was
   */
  void change(View now, ObjectId oid, long bytes, boolean whole, Replica.Change change)
      throws SheepException {
    if (has(now, oid)) {
      change.run();
      return;
    }
    unlessFull(
        oid,
        () -> {
          headroom.check(oid, bytes);
          if (!whole && !recover(now, oid)) {
            miss(oid, damaged(oid));
            return;
          }
          change.run();
          recovered.add(oid);
        });
  }

  /** Notes instead, if there is no room, that the object has to be fetched. */
  private void unlessFull(ObjectId oid, Replica.Change change) throws SheepException {
    try {
      change.run();
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_SPACE) {
        throw e;
      }
      miss(oid, e);
    }
  }

  private void miss(ObjectId oid, SheepException why) throws SheepException {
    if (!gaps.add(oid)) {
      throw why;
    }
    recovered.remove(oid);
  }

  /** Says that nobody who should be right in an object has it as it was. */
  static SheepException damaged(ObjectId oid) {
    return new SheepException(ResultCode.EIO, oid + ", damaged where it should be right");
  }

  /**
   * The objects that have to be fetched, since a change of them was missed. If there are none, a
   * change that cannot be taken is refused from now on, until another epoch begins.
   */
  List<ObjectId> takeGaps() {
    return gaps.take();
  }

  /**
   * Fetches an object that is not recovered yet; nothing for one that is.
   *
   * @return false if the disks of those that should have it right have damaged it
   */
  boolean recover(View now, ObjectId oid) throws SheepException {
    if (recovered.contains(oid)) {
      return true;
    }
    int made = copies.of(now, oid);
    View.Peer source = now.authority(oid, made);
    boolean isLost = source.member().isGivenUp(); // what is here, if anything, is all that is left
    if (!source.isSelf() && !isLost) {
      if (!source.member().isPresent()) {
        throw new SheepException(ResultCode.HALT, "the node with the only copy of " + oid);
      }
      List<View.Peer> synced = now.places(oid, made).stream().filter(View.Peer::isSynced).toList();
      List<View.Peer> sources = synced.isEmpty() ? List.of(source) : synced;
      List<NodeInfo> nodes = sources.stream().map(View.Peer::node).toList();
      if (!fetcher.copy(now.number(), oid, nodes, !has(now, oid))) {
        return false;
      }
    }
    recovered.add(oid);
    return true;
  }

  /**
   * Removes an object that no authority has, or that is elsewhere, unless it was made meanwhile.
   */
  void drop(View now, ObjectId oid) throws SheepException {
    View.Peer self = now.self();
    boolean owned = self != null && self.isSynced() && now.isPlace(oid, copies.of(now, oid));
    if (!owned && !recovered.contains(oid)) {
      boolean unused = files.remove(oid);
    }
  }

  /**
   * Takes an object anew where it is right already; else it will be fetched like all others, or was
   * not, for want of space.
   *
   * @throws SheepException if that fails; the old copy is still there then
   */
  void replace(View now, ObjectId oid, NodeInfo source) throws SheepException {
    if (has(now, oid)) {
      fetcher.take(now.number(), oid, source, false, Durability.STABLE);
    } else if (recovered.contains(oid)) {
      unlessFull(oid, () -> fetcher.take(now.number(), oid, source, true, Durability.STABLE));
    }
  }
}
