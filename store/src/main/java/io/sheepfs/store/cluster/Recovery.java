package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Brings a SYNCING node up to date: it takes every object that it should have from whoever has the
 * right copy, and drops those that nobody has any more, which were deleted while it was away.
 *
 * <p><b>Whom to believe.</b> A SYNCED place of an object is right. Where an object has none, the
 * place is right that was SYNCED last. So a node has to wait for one that was SYNCED longer, unless
 * each object has a SYNCED place, for there are more copies than nodes that are not SYNCED; those
 * that ceased to be in the same epoch have to ask each other.
 *
 * <p>Run by one thread.
 */
final class Recovery {

  private final View view;
  private final View.Peer self;
  private final Replica replica;
  private final PeerCalls peers;
  private final List<ObjectId> before;
  private final AtomicLong finished = new AtomicLong();
  private volatile long total;

  /**
   * The recovery in an epoch.
   *
   * @param before the objects that were here before the epoch was opened
   */
  Recovery(View view, View.Peer self, Replica replica, PeerCalls peers, List<ObjectId> before) {
    this.view = view;
    this.self = self;
    this.replica = replica;
    this.peers = peers;
    this.before = List.copyOf(before);
  }

  int epoch() {
    return view.number();
  }

  RecoveryProgress progress() {
    return new RecoveryProgress(true, 1, finished.get(), Math.max(total, finished.get()));
  }

  /** Does it; fails if the epoch ends, or if somebody has to be waited for. */
  void run() throws IOException {
    Set<ObjectId> listed = new HashSet<>();
    for (View.Peer peer : view.present()) {
      boolean equal = peer.member().since() == self.member().since();
      if (!peer.isSelf() && (peer.isSynced() || equal)) {
        listed.addAll(peers.list(peer.node(), view.number()));
      }
    }
    List<ObjectId> data = new ArrayList<>();
    Set<ObjectId> all = new HashSet<>(listed);
    all.addAll(before);
    total = all.size();
    for (ObjectId oid : all) {
      if (oid.kind() == ObjectId.Kind.INODE || oid.kind() == ObjectId.Kind.ATTRIBUTE) {
        bring(oid, listed.contains(oid));
      } else {
        data.add(oid);
      }
    }
    checkNobodyIsMissing();
    data.sort(null);
    for (ObjectId oid : data) {
      bring(oid, listed.contains(oid));
    }
    replica.files().flushAll();
  }

  private void bring(ObjectId oid, boolean isListed) throws SheepException {
    int copies = replica.copiesOf(view, oid);
    View.Peer authority = view.authority(oid, copies);
    boolean isPlace = view.places(oid, copies).stream().anyMatch(View.Peer::isSelf);
    if (isPlace && (isListed || !authority.isSynced())) {
      replica.recover(view, oid);
    } else if (authority.isSynced()) {
      replica.dropUnlessRecovered(view, oid);
    }
    finished.incrementAndGet();
  }

  /** Whether an object could be right only on a node that is not SYNCED, and was it longer. */
  private void checkNobodyIsMissing() throws SheepException {
    List<View.Peer> behind =
        view.epoch().members().stream()
            .filter(member -> member.state() != Epoch.State.SYNCED)
            .map(member -> view.peer(member.storeId()))
            .toList();
    if (fewestCopies() > behind.size()) {
      return;
    }
    for (View.Peer peer : behind) {
      int since = peer.member().since();
      boolean longer = since > self.member().since();
      boolean equalAndAway = since == self.member().since() && !peer.member().isPresent();
      if (!peer.isSelf() && (longer || equalAndAway)) {
        throw new SheepException(
            ResultCode.HALT, "port " + peer.node().port() + " has newer objects, and is not here");
      }
    }
  }

  private int fewestCopies() throws SheepException {
    int fewest = view.layout().copies();
    for (ObjectId oid : replica.list()) {
      if (oid.kind() == ObjectId.Kind.INODE) {
        fewest = Math.min(fewest, replica.copiesOf(view, ObjectId.data(oid.vid(), 0)));
      }
    }
    return Math.min(fewest, view.zones());
  }
}
