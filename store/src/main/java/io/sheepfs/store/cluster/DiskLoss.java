package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.StoreDisks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether this node can go on without a disk that has failed. It can if everybody else on the ring
 * is SYNCED, and every object has another copy; then what was on the disk is fetched again. Else
 * what the disk still has may be the only copy of something, and an administrator has to decide.
 *
 * <p>Used by the one thread that follows the epochs.
 */
final class DiskLoss {

  private static final Logger log = LoggerFactory.getLogger(DiskLoss.class);

  private final @Nullable StoreDisks disks;
  private final PeerCalls peers;
  private String told = "";

  /** The epoch in which something has one copy only, as far as is known. */
  private int hasSingleCopies;

  DiskLoss(@Nullable StoreDisks disks, PeerCalls peers, Runnable changed) {
    this.disks = disks;
    this.peers = peers;
    if (disks != null) {
      disks.onTrouble(changed);
    }
  }

  /** A disk that has failed, and is not the last one; null if there is none. */
  @Nullable Path failed() {
    return disks == null ? null : disks.failed();
  }

  /** Goes on without it; durable on return. */
  void lose(Path failed) throws IOException {
    if (disks != null) {
      disks.lose(failed);
    }
    log.warn("this node goes on without the disk {}, and fetches what was on it", failed);
  }

  /** A disk that this node was started without; null if there is none. */
  @Nullable Path missing() {
    return disks == null ? null : disks.missing();
  }

  /** Goes on without all of those; durable on return. */
  void loseMissing() throws IOException {
    if (disks != null) {
      log.warn("this node goes on without the disk {}, and fetches what was on it", missing());
      disks.loseMissing();
    }
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
  boolean canDoWithout(Path failed, View view) throws IOException {
    String why = "";
    if (!othersHaveAll(view)) {
      why = "others are not up to date";
    } else if (hasSingleCopies == view.number() || fewestCopies(view) < 2) {
      hasSingleCopies = view.number();
      why = "there are VDIs with one copy";
    }
    if (!why.isEmpty() && !why.equals(told)) {
      log.error("the disk {} has failed, and this node cannot do without it: {}", failed, why);
    }
    told = why;
    return why.isEmpty();
  }

  /** Of the data of any VDI, as another node has the inodes: here they may be lost. */
  private int fewestCopies(View view) throws IOException {
    View.Peer source =
        view.all().stream()
            .filter(peer -> !peer.isSelf() && peer.isSynced())
            .findFirst()
            .orElseThrow(() -> new SheepException(ResultCode.HALT, "nobody has all inodes"));
    int fewest = Integer.MAX_VALUE;
    for (ObjectId oid : peers.list(source.node(), view.number())) {
      if (oid.kind() == ObjectId.Kind.INODE && byteOf(view, source, oid, InodeLayout.NAME) != 0) {
        CopyNumber altered = view.epoch().copies().get(oid.vid());
        int made = altered != null ? altered.now() : byteOf(view, source, oid, InodeLayout.COPIES);
        fewest = Math.min(fewest, made == 0 ? view.layout().copies() : made);
      }
    }
    return fewest;
  }

  private int byteOf(View view, View.Peer source, ObjectId oid, long at) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    peers.read(source.node(), view.number(), RequestFlags.RECOVERY, oid, at, one);
    return Byte.toUnsignedInt(one.get(0));
  }
}
