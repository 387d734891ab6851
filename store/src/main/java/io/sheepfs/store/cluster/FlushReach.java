package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.object.StoredObjects;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Set;

/**
 * Whether a flush on all nodes that are there reaches the right copy of each object of a VDI. It
 * does not if that copy is on a node that is away: what was written to it, when there was no other,
 * may be lost with that node's machine.
 *
 * <p>Looks at the index only if there are so few copies that this can be.
 */
final class FlushReach {

  private static final int CHUNK_BYTES = 1 << 16;

  private final StoredObjects objects;

  /**
   * Of the VDIs among some objects.
   *
   * @param objects of the cluster, or the inodes alone
   */
  FlushReach(StoredObjects objects) {
    this.objects = objects;
  }

  /**
   * Whether it reaches all of a VDI in an epoch.
   *
   * @param copies that the data of the VDI has
   */
  boolean isWhole(View view, VdiId vid, int copies) throws SheepException {
    boolean isAnyAway =
        view.all().stream()
            .map(View.Peer::member)
            .anyMatch(member -> member.seat().isOnRing() && isMissed(member));
    return !isAnyAway || isEnough(view, copies, Set.of()) || isEachThere(view, vid, copies);
  }

  /**
   * Whether every object with so many copies is on a SYNCED node besides some.
   *
   * @param unfit the nodes that do not count
   */
  static boolean isEnough(View view, int copies, Set<View.Peer> unfit) {
    long behind =
        view.all().stream()
            .filter(peer -> peer.member().seat().isOnRing())
            .filter(peer -> !peer.isSynced() || unfit.contains(peer))
            .count();
    return Math.min(copies, view.zones()) > behind;
  }

  /** What was given up cannot be waited for. */
  private static boolean isMissed(Member member) {
    return !member.isPresent() && !member.isGivenUp();
  }

  private boolean isEachThere(View view, VdiId vid, int copies) throws SheepException {
    ObjectId inode = ObjectId.inode(vid);
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try {
      long end = Math.min(objects.storedBytes(inode), InodeLayout.REFERENCES);
      int index = 0;
      for (long at = InodeLayout.INDEX; at < end; at += CHUNK_BYTES) {
        objects.read(inode, at, chunk.clear().limit((int) Math.min(CHUNK_BYTES, end - at)));
        chunk.flip();
        while (chunk.remaining() >= InodeLayout.INDEX_ENTRY_BYTES) {
          boolean isOwn = chunk.getInt() == vid.value();
          if (isOwn && isMissed(view.authority(ObjectId.data(vid, index), copies).member())) {
            return false;
          }
          index++;
        }
      }
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
    }
    return true;
  }
}
