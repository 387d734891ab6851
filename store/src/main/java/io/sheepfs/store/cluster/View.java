package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Ring;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An epoch as this node takes part in it.
 *
 * <p>Immutable.
 */
final class View {

  private final Layout layout;
  private final Epoch epoch;
  private final String self;
  private final Ring ring;
  private final Map<String, Peer> peers = new HashMap<>();
  private final Map<NodeRecord, Peer> byRecord = new HashMap<>();

  /** A node on the ring, and what it is in this epoch. */
  record Peer(NodeInfo node, Member member, boolean isSelf) {

    boolean isSynced() {
      return member.state() == State.SYNCED;
    }
  }

  View(Layout layout, Epoch epoch, String self) {
    this.layout = layout;
    this.epoch = epoch;
    this.self = self;
    this.ring = layout.ring();
    for (Member member : epoch.members()) {
      Layout.Node node = layout.node(member.storeId());
      if (node == null) {
        throw new IllegalArgumentException(member + " is not on the ring");
      }
      Peer peer = new Peer(node.info(), member, member.storeId().equals(self));
      peers.put(member.storeId(), peer);
      byRecord.put(NodeRecord.of(node.info()), peer);
    }
  }

  Layout layout() {
    return layout;
  }

  Epoch epoch() {
    return epoch;
  }

  int number() {
    return epoch.number();
  }

  /** This node; null if it is not on the ring. */
  @Nullable Peer self() {
    return peers.get(self);
  }

  Peer peer(String storeId) {
    Peer peer = peers.get(storeId);
    if (peer == null) {
      throw new IllegalArgumentException(storeId + " is not on the ring");
    }
    return peer;
  }

  /** The most copies that an object can have. */
  int zones() {
    return ring.zones();
  }

  boolean isLeader() {
    return epoch.leader().map(leader -> leader.storeId().equals(self)).orElse(false);
  }

  Optional<Peer> leader() {
    return epoch.leader().map(member -> peers.get(member.storeId()));
  }

  /** Those that are there, SYNCED or SYNCING. */
  List<Peer> present() {
    return peers.values().stream().filter(peer -> peer.member().isPresent()).toList();
  }

  /** The nodes that should have an object, the first of the ring first. */
  List<Peer> places(ObjectId oid, int copies) {
    List<Peer> places = new ArrayList<>(copies);
    for (NodeRecord record : ring.nodes(oid, copies)) {
      Peer peer = byRecord.get(record);
      if (peer == null) {
        throw new IllegalStateException(record + " is not in the epoch");
      }
      places.add(peer);
    }
    return places;
  }

  /** Whose copy of an object is right: that of a SYNCED node, or of the one that was it last. */
  Peer authority(ObjectId oid, int copies) {
    List<Peer> places = places(oid, copies);
    for (Peer place : places) {
      if (place.isSynced()) {
        return place;
      }
    }
    return java.util.Collections.max(
        places, Comparator.comparingInt(place -> place.member().since()));
  }
}
