package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.NodeObjects;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many nodes should have an object: all that there can be for what describes VDIs, and for data
 * what the VDI was made with, if the epoch does not say that it was changed ({@link CopyNumber}).
 * What the inode says counts only while it never was, and so never changes: it is read once.
 *
 * <p>Safe for any number of threads.
 */
final class CopyNumbers {

  private final NodeObjects files;
  private final PeerCalls peers;
  private final Map<VdiId, Integer> made = new ConcurrentHashMap<>();

  CopyNumbers(NodeObjects files, PeerCalls peers) {
    this.files = files;
    this.peers = peers;
  }

  /** The number for an object in an epoch; asks another node for the inode if this one lacks it. */
  int of(View now, ObjectId oid) throws SheepException {
    if (isEverywhere(oid)) {
      return Replica.MAX_NODES;
    }
    CopyNumber altered = now.epoch().copies().get(oid.vid());
    if (altered != null) {
      return altered.now();
    }
    Integer known = made.get(oid.vid());
    if (known != null) {
      return known;
    }
    ByteBuffer one = ByteBuffer.allocate(1);
    try {
      files.read(ObjectId.inode(oid.vid()), InodeLayout.COPIES, one);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
      readElsewhere(now, oid.vid(), one.clear());
    }
    int found = Byte.toUnsignedInt(one.get(0));
    if (found == 0) {
      return now.layout().copies();
    }
    made.put(oid.vid(), found);
    return found;
  }

  private static boolean isEverywhere(ObjectId oid) {
    return oid.kind() == ObjectId.Kind.INODE || oid.kind() == ObjectId.Kind.ATTRIBUTE;
  }

  /** For a VDI whose inode is not here yet; leaves a zero if nobody has it. */
  private void readElsewhere(View now, VdiId vid, ByteBuffer one) throws SheepException {
    View.Peer self = now.self();
    if (self == null || self.isSynced()) {
      return;
    }
    View.Peer source = now.authority(ObjectId.inode(vid), Replica.MAX_NODES);
    if (source.isSelf() || !source.isSynced()) {
      return;
    }
    try {
      int flags = RequestFlags.RECOVERY;
      ObjectId inode = ObjectId.inode(vid);
      peers.read(source.node(), now.number(), flags, inode, InodeLayout.COPIES, one);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        throw e;
      }
      one.put(0, (byte) 0);
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "copies of VDI " + vid, e);
    }
  }

  /**
   * Whether an object has a SYNCED place, as far as that is known without asking anybody. Without,
   * the one who had it last may have a change that did not get here.
   */
  boolean hasSyncedPlace(View now, ObjectId oid) {
    Integer known = isEverywhere(oid) ? Integer.valueOf(Replica.MAX_NODES) : made.get(oid.vid());
    boolean isAltered = now.epoch().copies().containsKey(oid.vid());
    return (known != null || isAltered)
        && now.authority(oid, known == null ? Replica.MAX_NODES : known).isSynced();
  }

  /** All VDIs are gone. */
  void clear() {
    made.clear();
  }
}
