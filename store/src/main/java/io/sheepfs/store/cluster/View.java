package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeId;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Ring;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * An epoch as this node takes part in it: which nodes have which objects, on the ring and, while
 * objects move, on the next one.
 *
 * <p>Immutable.
 */
final class View {

  private final Layout layout;
  private final Epoch epoch;
  private final String self;
  private final Ring ring;
  private final Ring nextRing;
  private final boolean moving;

  /** In the order of the epoch, which is the same everywhere. */
  private final Map<String, Peer> peers = new LinkedHashMap<>();

  private final Map<NodeId, Peer> byId = new HashMap<>();

  /** A node of the cluster, and what it is in this epoch. */
  record Peer(NodeInfo node, Member member, boolean isSelf) {

    boolean isSynced() {
      return member.state() == State.SYNCED;
    }
  }

  View(Layout layout, Epoch epoch, String self) {
    this.layout = layout;
    this.epoch = epoch;
    this.self = self;
    this.moving = epoch.isMoving();
    List<NodeRecord> now = new ArrayList<>();
    List<NodeRecord> next = new ArrayList<>();
    for (Member member : epoch.members()) {
      Seat seat = member.seat();
      Peer peer = new Peer(seat.placed(), member, member.storeId().equals(self));
      peers.put(member.storeId(), peer);
      byId.put(seat.record().id(), peer);
      now.add(seat.record());
      next.add(seat.nextRecord());
    }
    this.ring = new Ring(now);
    this.nextRing = moving ? new Ring(next) : ring;
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

  /** Whether objects move to other places. */
  boolean isMoving() {
    return moving;
  }

  /** This node; null if it is no member. */
  @Nullable Peer self() {
    return peers.get(self);
  }

  Peer peer(String storeId) {
    Peer peer = peers.get(storeId);
    if (peer == null) {
      throw new IllegalArgumentException(storeId + " is not a member");
    }
    return peer;
  }

  /** All members, in an order that is the same everywhere. */
  List<Peer> all() {
    return List.copyOf(peers.values());
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

  /**
   * How many copies a data object has.
   *
   * @param made how many it was made with, as its inode says
   */
  private int copies(ObjectId oid, int made) {
    CopyNumber altered = epoch.copies().get(oid.vid());
    return altered == null ? made : altered.now();
  }

  /** Likewise, when objects will have moved. */
  private int nextCopies(ObjectId oid, int made) {
    CopyNumber altered = epoch.copies().get(oid.vid());
    return altered == null ? made : altered.next();
  }

  /**
   * The nodes that have an object, the first of the ring first.
   *
   * @param made how many copies it was made with
   */
  List<Peer> places(ObjectId oid, int made) {
    return places(ring, oid, copies(oid, made), Seat::isOnRing);
  }

  /** The nodes that will have an object, or have it: those to which a change of it goes. */
  List<Peer> allPlaces(ObjectId oid, int made) {
    if (!moving) {
      return places(oid, made);
    }
    Set<Peer> places = new LinkedHashSet<>(places(oid, made));
    places.addAll(places(nextRing, oid, nextCopies(oid, made), Seat::isOnNextRing));
    return List.copyOf(places);
  }

  /** What describes VDIs is on all nodes, also if several are in one zone. */
  private List<Peer> places(Ring on, ObjectId oid, int copies, Predicate<Seat> isOnIt) {
    List<Peer> places = new ArrayList<>(copies);
    if (oid.kind() == ObjectId.Kind.INODE || oid.kind() == ObjectId.Kind.ATTRIBUTE) {
      for (Peer peer : peers.values()) {
        if (isOnIt.test(peer.member().seat())) {
          places.add(peer);
        }
      }
      return places;
    }
    for (NodeRecord record : on.nodes(oid, copies)) {
      Peer peer = byId.get(record.id());
      if (peer == null) {
        throw new IllegalStateException(record + " is not in the epoch");
      }
      places.add(peer);
    }
    return places;
  }

  /** Whether this node has an object, by the ring; it has it for sure if it is SYNCED, too. */
  boolean isPlace(ObjectId oid, int copies) {
    return places(oid, copies).stream().anyMatch(Peer::isSelf);
  }

  /** Whose copy of an object is right: that of a SYNCED node, or of the one that was it last. */
  Peer authority(ObjectId oid, int copies) {
    List<Peer> places = places(oid, copies);
    for (Peer place : places) {
      if (place.isSynced()) {
        return place;
      }
    }
    return Collections.max(places, Comparator.comparingInt(place -> place.member().since()));
  }

  /**
   * Whether objects are in the same places, and this node has been a member since; and nobody has
   * lost anything: what this node got before may be what is lost, and what it has then is not
   * right.
   */
  boolean continues(View other) {
    Peer one = self();
    Peer two = other.self();
    return one != null
        && two != null
        && one.member().since() == two.member().since()
        && epoch.losses().of(1) == other.epoch.losses().of(1)
        && placement().equals(other.placement());
  }

  /**
   * What says where objects are: the same in two epochs in which all are in the same places.
   *
   * @param seats by store id
   */
  record Placement(Map<String, Seat> seats, Map<VdiId, CopyNumber> copies) {
    static final Placement NONE = new Placement(Map.of(), Map.of());
  }

  Placement placement() {
    Map<String, Seat> seats = new HashMap<>();
    epoch.members().forEach(member -> seats.put(member.storeId(), member.seat()));
    return new Placement(seats, epoch.copies());
  }
}
