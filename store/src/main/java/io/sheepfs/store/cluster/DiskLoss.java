package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.NodeStore;
import io.sheepfs.store.StoreDisks;
import io.sheepfs.store.cluster.Epoch.Member;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How this node goes on without a disk that has failed. It can if everybody else on the ring is
 * SYNCED, and every object has another copy; then what was on the disk is fetched again. Else what
 * the disk still has may be the only copy of something, and an administrator has to decide.
 *
 * <p>Used by the one thread that follows the epochs.
 */
final class DiskLoss {

  private static final Logger log = LoggerFactory.getLogger(DiskLoss.class);

  private final NodeStore store;
  private final @Nullable StoreDisks disks;
  private final Registry registry;
  private final PeerCalls peers;
  private String told = "";

  /** The epoch in which something has one copy only, as far as is known. */
  private int hasSingleCopies;

  /**
   * Has lost nothing yet.
   *
   * @param changed told when a disk may have failed
   */
  DiskLoss(NodeStore store, Registry registry, PeerCalls peers, Runnable changed) {
    this.store = store;
    this.disks = store.storeDisks();
    this.registry = registry;
    this.peers = peers;
    if (disks != null) {
      disks.onTrouble(changed);
    }
  }

  /** A disk that has failed, and is not the last one; null if there is none. */
  @Nullable Path failed() {
    return disks == null ? null : disks.failed();
  }

  /**
   * Whether this node may begin to do without a disk that has failed, as of an epoch. From then on
   * no other node may, until this one has everything again.
   */
  boolean mayLose(Path failed, Layout agreed, Epoch epoch) throws IOException {
    return canDoWithout(failed, new View(agreed, epoch, store.id())) && registry.mayLose(epoch);
  }

  /**
   * Goes on without it, durable on return, if the others have everything still. Nothing is answered
   * any more as of the epoch in which it failed.
   */
  void lose(Path failed, Layout agreed) throws IOException {
    if (!othersHaveAll(new View(agreed, last(agreed), store.id()))) {
      return;
    }
    if (disks != null) {
      disks.lose(failed);
    }
    log.warn("this node goes on without the disk {}, and fetches what was on it", failed);
  }

  /** A disk that this node was started without; null if there is none. */
  @Nullable Path missing() {
    return disks == null ? null : disks.missing();
  }

  /**
   * Does without all disks that were not there when this node was started, if it can: before
   * anybody hears of it, while it counts as away, so that nobody depends on what it has. Then it
   * comes as one that has lost objects. Durable on return.
   */
  boolean goesOnWithoutMissing() throws IOException {
    Path missing = missing();
    if (missing == null || disks == null) {
      return true;
    }
    Layout agreed = registry.layout();
    if (agreed == null || agreed.createTime() != store.createTime()) {
      return false;
    }
    Epoch epoch = last(agreed);
    Member self = epoch.member(store.id());
    if (self == null
        || self.isPresent()
        || !mayLose(missing, agreed, epoch)
        || !othersHaveAll(new View(agreed, last(agreed), store.id()))) {
      return false;
    }
    log.warn("this node goes on without the disk {}, and fetches what was on it", missing);
    disks.loseMissing();
    return true;
  }

  private Epoch last(Layout agreed) throws IOException {
    return registry.epoch(agreed.createTime(), registry.lastEpoch(agreed.createTime()));
  }

  /** Whether everybody else has everything. */
  static boolean othersHaveAll(View view) {
    List<View.Peer> others =
        view.all().stream()
            .filter(peer -> !peer.isSelf() && peer.member().seat().isOnRing())
            .toList();
    return !others.isEmpty()
        && others.stream().allMatch(View.Peer::isSynced)
        && !view.isMoving()
        && view.zones() > 1;
  }

  /** Whether every object that this node can have has another copy. */
  private boolean canDoWithout(Path failed, View view) throws IOException {
    String why = "";
    if (!othersHaveAll(view)) {
      why = "others are not up to date";
    } else if (hasSingleCopies == view.number() || fewestCopies(view, peers) < 2) {
      hasSingleCopies = view.number();
      why = "there are VDIs with one copy";
    }
    if (!why.isEmpty() && !why.equals(told)) {
      log.error("the disk {} has failed, and this node cannot do without it: {}", failed, why);
    }
    told = why;
    return why.isEmpty();
  }

  /**
   * How many copies there are at least of the data of any VDI, as other nodes have the inodes: here
   * they may be lost. One if nobody can tell.
   */
  static int fewestCopies(View view, PeerCalls peers) throws IOException {
    List<NodeInfo> sources =
        view.all().stream()
            .filter(peer -> !peer.isSelf() && peer.isSynced())
            .map(View.Peer::node)
            .toList();
    if (sources.isEmpty()) {
      throw new SheepException(ResultCode.HALT, "nobody has all inodes");
    }
    int fewest = Integer.MAX_VALUE;
    for (ObjectId inode : peers.inodes(sources.get(0), view.number())) {
      InodeHeader header = header(view, peers, sources, inode);
      if (header == null) {
        return 1;
      }
      if (!header.isDeleted()) {
        CopyNumber altered = view.epoch().copies().get(inode.vid());
        int made = altered != null ? altered.now() : header.copies();
        fewest = Math.min(fewest, made == 0 ? view.layout().copies() : made);
      }
    }
    return fewest;
  }

  /** The first that can be read and believed; null if none can. */
  private static @Nullable InodeHeader header(
      View view, PeerCalls peers, List<NodeInfo> sources, ObjectId inode) throws IOException {
    for (NodeInfo source : sources) {
      try {
        InodeHeader header = peers.header(source, view.number(), inode);
        if (header != null) {
          return header;
        }
      } catch (SheepException e) {
        if (e.result() != ResultCode.EIO && e.result() != ResultCode.NO_OBJ) {
          throw e;
        }
      }
    }
    return null;
  }
}
