package io.sheepfs.store.cluster;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.NodeObjects;
import io.sheepfs.store.vdi.Headers;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * How many nodes should have an object: all that there can be for what describes VDIs, and for data
 * what the VDI was made with, if the epoch does not say that it was changed ({@link CopyNumber}).
 * What the inode says counts only while it never was, and so never changes: it is read once.
 *
 * <p>A disk may have changed what it says here, and then objects would be looked for, or put, where
 * they should not be. So the leader wants it confirmed by another node, and believes two others
 * more than itself; a node that is not SYNCED believes those that are, as it does in all that it
 * takes from them; and nobody drops anything for a number that no other node confirms.
 *
 * <p>Safe for any number of threads.
 */
final class CopyNumbers {

  /** What an inode says that is not there; one that says zero means the number of the cluster. */
  private static final int NONE = -1;

  /** What an inode says that cannot be believed, or, here, not be read. */
  private static final int DAMAGED = -2;

  private final NodeObjects files;
  private final PeerCalls peers;
  private final Map<VdiId, Made> made = new ConcurrentHashMap<>();

  /**
   * What an inode says.
   *
   * @param isShared whether that of another node, which was SYNCED, says the same
   */
  private record Made(int copies, boolean isShared) {}

  CopyNumbers(NodeObjects files, PeerCalls peers) {
    this.files = files;
    this.peers = peers;
  }

  /** The number for an object in an epoch; may ask others for it, once. */
  int of(View now, ObjectId oid) throws SheepException {
    if (isEverywhere(oid)) {
      return Replica.MAX_NODES;
    }
    CopyNumber altered = now.epoch().copies().get(oid.vid());
    if (altered != null) {
      return altered.now();
    }
    Made known = made.get(oid.vid());
    if (known == null || (!known.isShared() && canBeConfirmed(now))) {
      known = read(now, oid.vid());
      if (known.copies() <= 0) {
        return number(now, known.copies());
      }
      made.put(oid.vid(), known);
    }
    return known.copies();
  }

  private static int number(View now, int said) {
    return said > 0 ? said : now.layout().copies();
  }

  /**
   * Whether a SYNCED node says the same as {@link #of} does here: else nothing is to be dropped for
   * it, which nobody could bring back.
   */
  boolean isConfirmed(View now, ObjectId oid) throws SheepException {
    VdiId vid = oid.vid();
    if (isEverywhere(oid) || now.epoch().copies().containsKey(vid)) {
      return true;
    }
    int here = of(now, oid);
    Made known = made.get(vid);
    if (known != null && known.isShared()) {
      return true;
    }
    for (View.Peer peer : othersInSync(now)) {
      try {
        int there = at(now, peer, vid);
        if (there >= 0 && number(now, there) == here) {
          made.put(vid, new Made(here, true));
          return true;
        }
      } catch (SheepException e) {
        SheepException unused = unlessUnreadable(e);
      }
    }
    return false;
  }

  private static boolean isEverywhere(ObjectId oid) {
    return oid.kind() == ObjectId.Kind.INODE || oid.kind() == ObjectId.Kind.ATTRIBUTE;
  }

  private static boolean canBeConfirmed(View now) {
    return now.isLeader() && !othersInSync(now).isEmpty();
  }

  private static List<View.Peer> othersInSync(View now) {
    return now.all().stream().filter(peer -> peer.isSynced() && !peer.isSelf()).toList();
  }

  /**
   * Who is not SYNCED chooses as {@link Fetcher#copy} does whose inode it takes, and so does one
   * whose own is damaged.
   */
  private Made read(View now, VdiId vid) throws SheepException {
    int own = here(vid);
    View.Peer self = now.self();
    boolean isSynced = self != null && self.isSynced();
    boolean believesOwn = isSynced && own != DAMAGED;
    if (self == null || (believesOwn && (own == NONE || !now.isLeader()))) {
      return new Made(own, false);
    }
    int first = NONE;
    int alike = 0;
    boolean isAnswered = false;
    SheepException failure = null;
    for (View.Peer peer : othersInSync(now)) {
      try {
        int there = at(now, peer, vid);
        if (there == DAMAGED) {
          continue;
        }
        if (there != NONE && there == own) {
          return new Made(own, true);
        }
        first = first == NONE ? there : first;
        alike += there == first ? 1 : 0;
        isAnswered = true;
      } catch (SheepException e) {
        failure = believesOwn ? e : unlessUnreadable(e);
      }
    }
    if (!isSynced && !isAnswered && failure != null) {
      throw failure;
    }
    boolean believesThem = first != NONE && (!believesOwn || alike > 1);
    return believesThem ? new Made(first, true) : new Made(own, false);
  }

  private int here(VdiId vid) throws SheepException {
    try {
      InodeHeader header = Headers.sound(files, ObjectId.inode(vid));
      return header == null ? DAMAGED : header.copies();
    } catch (SheepException e) {
      return e.result() == ResultCode.EIO ? DAMAGED : noneIfAbsent(e);
    }
  }

  private int at(View now, View.Peer peer, VdiId vid) throws SheepException {
    try {
      InodeHeader header = peers.header(peer.node(), now.number(), ObjectId.inode(vid));
      return header == null ? DAMAGED : header.copies();
    } catch (SheepException e) {
      return noneIfAbsent(e);
    } catch (IOException e) {
      throw new SheepException(ResultCode.NETWORK_ERROR, "copies of VDI " + vid, e);
    }
  }

  /** The disk of another node fails, which is no reason to fail here. */
  private static SheepException unlessUnreadable(SheepException e) throws SheepException {
    if (e.result() != ResultCode.EIO) {
      throw e;
    }
    return e;
  }

  private static int noneIfAbsent(SheepException e) throws SheepException {
    if (e.result() != ResultCode.NO_OBJ) {
      throw e;
    }
    return NONE;
  }

  /**
   * Whether an object has a SYNCED place, as far as that is known without asking anybody. Without,
   * the one who had it last may have a change that did not get here.
   */
  boolean hasSyncedPlace(View now, ObjectId oid) {
    Made known = isEverywhere(oid) ? null : made.get(oid.vid());
    boolean isKnown =
        isEverywhere(oid) || known != null || now.epoch().copies().containsKey(oid.vid());
    int copies = known == null ? Replica.MAX_NODES : known.copies();
    return isKnown && now.authority(oid, copies).isSynced();
  }

  /** An object was replaced here, or removed. */
  void changed(ObjectId oid) {
    if (oid.kind() == ObjectId.Kind.INODE) {
      made.remove(oid.vid());
    }
  }

  /** All VDIs are gone. */
  void clear() {
    made.clear();
  }
}
