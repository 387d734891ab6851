package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.Loss;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.Membership.Alive;
import io.sheepfs.store.cluster.ModelDisks.Content;
import io.sheepfs.store.cluster.Rifts.Rift;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A cluster of five nodes in one thread, driven by a seed: nodes die and come back, also between
 * two places of one write; rings and numbers of copies are wished for and replaced half way;
 * objects are written, in part or whole, and deleted; nodes catch up object by object; two that are
 * there do not hear each other, so that one of them is left out although it lives, and does not
 * know of that at first; a node loses one of its disks and goes on without it, step by step.
 *
 * <p>Real are {@link Membership}, {@link Rifts}, {@link Epoch}, {@link View} with its rings, and
 * {@link RecoveryPlan}. Modelled, by the rules of {@link Replica}, {@link Gateway} and {@link
 * Follower}, are what a replica does with a change, the barrier and the settling between epochs.
 * Not there: files, flushes and power cuts, a network that delays or loses messages, leases, and
 * changes that are tried again.
 *
 * <p>An object has two halves, so that half of it can be old.
 */
final class ClusterModel {

  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);
  private static final Layout LAYOUT = new Layout(1, 0, 2, 22, "plain");
  private static final int NODES = 5;
  private static final int POINTS = 6;

  private static final class Node {
    private final String id;
    private final NodeInfo info;
    private final ModelDisks disks = new ModelDisks();
    private final Set<ObjectId> recovered = new HashSet<>();
    private final Set<ObjectId> suspects = new HashSet<>();
    private @Nullable String incarnation;
    private @Nullable View view;
    private @Nullable List<ObjectId> todo;
    private Set<ObjectId> listed = Set.of();
    private Set<ObjectId> before = Set.of();
    private boolean caughtUp;

    /** What this incarnation has said of its disks. */
    private Loss loss = Loss.NONE;

    /** The newest epoch that it has seen, so that it does nothing any more as of an earlier one. */
    private int seen;

    Node(int number) {
      this.id = "n" + number;
      this.info =
          new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, POINTS, number, 1L << 40);
    }
  }

  private final long seed;
  private final Random random;
  private final Map<String, Node> nodes = new TreeMap<>();
  private final List<ObjectId> objects = new ArrayList<>();
  private final Map<ObjectId, Content> acknowledged = new HashMap<>();

  /** What a write may have made of an object that was not acknowledged. */
  private final Map<ObjectId, Set<Content>> perhaps = new HashMap<>();

  private Map<String, NodeInfo> wish = Map.of();
  private final Map<VdiId, CopyNumber> copiesWish = new TreeMap<>();

  /** Who does not hear whom. */
  private final Set<Rift> rifts = new HashSet<>();

  /** What of that ZooKeeper has been told. */
  private Set<Rift> told = Set.of();

  private Epoch epoch;
  private boolean open;
  private int counter;
  private int moves;
  private int leftOut;

  /** The node that was allowed to lose a disk last, and the incarnation that it was. */
  private String loser = "";

  private String loserWas = "";

  /** How many copies each VDI has more than its number says. */
  private final int moreCopies;

  ClusterModel(long seed) {
    this.seed = seed;
    this.random = new Random(seed);
    this.moreCopies = seed % 2 == 0 ? 0 : 1;
    List<Member> first = new ArrayList<>();
    for (int i = 0; i < NODES; i++) {
      Node node = new Node(i);
      nodes.put(node.id, node);
      if (i < 3) {
        node.incarnation = node.id + "-0";
        first.add(new Member(node.id, State.SYNCED, 1, node.id + "-0", Seat.of(node.info)));
      }
    }
    for (int vid = 1; vid <= 3; vid++) {
      for (int i = 0; i < 4; i++) {
        objects.add(ObjectId.data(new VdiId(vid), i));
      }
    }
    this.epoch = new Epoch(1, NOW, first);
    nodes.values().forEach(this::look);
    tryOpen();
  }

  /** How often the ring changed. */
  int moves() {
    return moves;
  }

  /** How often somebody who was there was left out. */
  int leftOut() {
    return leftOut;
  }

  /** How often a node went on without a disk. */
  int losses() {
    return nodes.values().stream().mapToInt(node -> node.disks.losses()).sum();
  }

  /**
   * One copy of the first VDI's objects, two of the second's, three of the third's, until an epoch
   * says otherwise; in each second history one more.
   */
  private int copies(ObjectId oid) {
    return oid.vid().value() + moreCopies;
  }

  private Node node(View.Peer peer) {
    return node(peer.member().storeId());
  }

  private Node node(String id) {
    Node node = nodes.get(id);
    if (node == null) {
      throw new IllegalStateException(id);
    }
    return node;
  }

  private boolean isThere(View.Peer peer) {
    return peer.member().isPresent() && peer.member().incarnation().equals(node(peer).incarnation);
  }

  /** Whether what one sends to the other arrives. */
  private boolean hear(Node one, Node other) {
    return one.equals(other) || !rifts.contains(Rift.between(one.id, other.id));
  }

  private boolean reaches(Node one, View.Peer peer) {
    return isThere(peer) && hear(one, node(peer));
  }

  private <T> T anyOf(List<T> list) {
    return list.get(random.nextInt(list.size()));
  }

  // --- membership ---

  private void kill(Node node) {
    node.disks.ended();
    node.incarnation = null;
    node.seen = 0;
    node.view = null;
    node.todo = null;
    node.caughtUp = false;
  }

  private void start(Node node) {
    node.incarnation = node.id + "-" + ++counter;
    node.recovered.clear();
    node.disks.started();
    node.loss = node.disks.isIncomplete() ? Loss.OBJECTS : Loss.NONE;
  }

  // --- a disk that is lost ---

  private boolean canDoWithout(Node node) {
    View view = new View(LAYOUT, epoch, node.id);
    for (ObjectId oid : objects) {
      CopyNumber altered = epoch.copies().get(oid.vid());
      if ((altered == null ? copies(oid) : altered.now()) < 2) {
        return false;
      }
    }
    return view.self() != null && DiskLoss.othersHaveAll(view);
  }

  /** As {@link Registry#mayLose}. */
  private boolean mayLose(Node node) {
    Member self = epoch.member(node.id);
    if (self == null || (self.isPresent() && !self.incarnation().equals(node.incarnation))) {
      return false;
    }
    Member other = epoch.member(loser);
    boolean isOver =
        other == null || (other.state() == State.SYNCED && !other.incarnation().equals(loserWas));
    if (!loser.equals(node.id) && !isOver) {
      return false;
    }
    loser = node.id;
    loserWas = String.valueOf(node.incarnation);
    return true;
  }

  /** The next step of {@link Follower}, when a disk has failed. */
  private void goOnWithoutDisk(Node node) {
    if (node.incarnation == null) {
      return;
    }
    ModelDisks.Then then =
        node.disks.lose(
            () -> canDoWithout(node) && mayLose(node),
            () -> DiskLoss.othersHaveAll(new View(LAYOUT, epoch, node.id)));
    switch (then) {
      case GO_ON -> {}
      case CLOSE -> node.view = null;
      case RESTART -> restart(node);
    }
  }

  private void restart(Node node) {
    kill(node);
    start(node);
  }

  private void advance() {
    Map<String, Alive> alive = new HashMap<>();
    Map<String, String> there = new HashMap<>();
    for (Node node : nodes.values()) {
      String incarnation = node.incarnation;
      if (incarnation != null) {
        alive.put(node.id, new Alive(incarnation, node.caughtUp, node.loss));
        there.put(node.id, incarnation);
      }
    }
    boolean cannotOpen = !open && random.nextInt(3) == 0;
    Set<String> out = Rifts.leftOut(epoch, there, told, cannotOpen);
    alive.keySet().removeAll(out);
    Epoch next = Membership.next(epoch, alive, wish, copiesWish, NOW).orElse(null);
    if (next == null) {
      return;
    }
    moves += epoch.isMoving() && !next.isMoving() ? 1 : 0;
    for (Member member : epoch.members()) {
      Member then = next.member(member.storeId());
      boolean isLost = member.isPresent() && then != null && !then.isPresent();
      leftOut += isLost && member.incarnation().equals(there.get(member.storeId())) ? 1 : 0;
    }
    epoch = next;
    open = false;
    for (Node node : nodes.values()) {
      node.todo = null;
      node.caughtUp = false;
    }
  }

  /** A node looks into the log: what it did as of an earlier epoch ends. */
  private void look(Node node) {
    Member self = epoch.member(node.id);
    if (self == null || !self.incarnation().equals(node.incarnation)) {
      node.view = null;
    }
    node.seen = node.incarnation == null ? 0 : epoch.number();
  }

  /** Whether a node answers as of its view. */
  private static boolean isServing(Node node) {
    View view = node.view;
    return view != null && view.number() == node.seen && node.incarnation != null;
  }

  /** The barrier: an epoch opens when all its present members are there; first they settle. */
  private void tryOpen() {
    for (Node node : nodes.values()) {
      Member self = epoch.member(node.id);
      boolean isMember = self != null && self.incarnation().equals(node.incarnation);
      if (isMember && node.disks.isClosed()) {
        return; // it does not take part any more
      }
      if (node.incarnation != null && node.seen != epoch.number()) {
        return; // it may still answer as of an earlier epoch, also if it is left out
      }
    }
    List<View> views = new ArrayList<>();
    for (Member member : epoch.members()) {
      if (member.isPresent()) {
        if (!member.incarnation().equals(node(member.storeId()).incarnation)) {
          return;
        }
        views.add(new View(LAYOUT, epoch, member.storeId()));
      }
    }
    if (views.isEmpty()) {
      return; // nobody is there
    }
    for (View view : views) {
      if (!canSettle(view)) {
        return;
      }
    }
    for (View view : views) {
      Node node = node(self(view));
      View last = node.view;
      if (last == null || !view.continues(last)) {
        node.recovered.clear();
      }
      node.recovered.removeIf(oid -> !view.authority(oid, copies(oid)).isSynced());
      node.view = view;
      if (self(view).isSynced()) {
        node.disks.complete();
      }
      node.before = node.disks.list();
    }
    views.forEach(this::settle);
    open = true;
    for (ObjectId oid : objects) {
      decide(views.get(0), oid);
    }
  }

  private static View.Peer self(View view) {
    View.Peer self = view.self();
    if (self == null) {
      throw new IllegalStateException();
    }
    return self;
  }

  /** Whether those hear each other who have to make a suspect object agree. */
  private boolean canSettle(View view) {
    Node node = node(self(view));
    for (ObjectId oid : node.suspects) {
      Node authority = node(view.authority(oid, copies(oid)));
      for (View.Peer place : view.allPlaces(oid, copies(oid))) {
        boolean takesPart = place.member().isPresent() && self(view).isSynced();
        if (takesPart && !(hear(node, node(place)) && hear(node(place), authority))) {
          return false;
        }
      }
    }
    return true;
  }

  private void settle(View view) {
    Node node = node(self(view));
    for (ObjectId oid : node.suspects) {
      if (!self(view).isSynced()) {
        node.recovered.remove(oid);
        continue;
      }
      List<View.Peer> places = view.allPlaces(oid, copies(oid));
      if (places.stream().anyMatch(View.Peer::isSelf)) {
        View.Peer authority = view.authority(oid, copies(oid));
        for (View.Peer place : places) {
          if (place.member().isPresent() && !place.equals(authority)) {
            repair(node(place), oid, node(authority));
          }
        }
      }
    }
    node.suspects.clear();
  }

  private void repair(Node node, ObjectId oid, Node source) {
    if (has(node, oid)) {
      node.disks.put(oid, source.disks.get(oid));
    } else {
      node.recovered.remove(oid);
    }
  }

  /** What became of a write that was not acknowledged shows now. */
  private void decide(View view, ObjectId oid) {
    Set<Content> possible = perhaps.get(oid);
    View.Peer authority = view.authority(oid, copies(oid));
    if (possible != null && authority.isSynced()) {
      Content found = node(authority).disks.get(oid);
      if (!possible.contains(found)) {
        throw failure(oid, found, node(authority));
      }
      acknowledged.put(oid, found);
      perhaps.remove(oid);
    }
  }

  private AssertionError failure(ObjectId oid, Content found, Node node) {
    return new AssertionError(
        "seed %d: %s on %s is %s, and should be %s or of %s, in %s"
            .formatted(
                seed,
                oid,
                node.id,
                found,
                acknowledged.get(oid),
                perhaps.get(oid),
                epoch.encode()));
  }

  // --- a replica ---

  private boolean has(Node node, ObjectId oid) {
    View view = node.view;
    return view != null && self(view).isSynced() && view.isPlace(oid, copies(oid));
  }

  private boolean fetch(Node node, View view, ObjectId oid) {
    View.Peer authority = view.authority(oid, copies(oid));
    if (!authority.isSelf()) {
      if (!reaches(node, authority)) {
        return false;
      }
      node.disks.put(oid, node(authority).disks.get(oid));
    }
    node.recovered.add(oid);
    return true;
  }

  // --- changes ---

  private void change() {
    View.Peer leader = null;
    for (Node node : nodes.values()) {
      View view = node.view;
      boolean any = leader == null || random.nextBoolean(); // one may lead as of an older epoch
      if (any && view != null && isServing(node) && view.isLeader()) {
        leader = view.self();
      }
    }
    if (leader == null || !isThere(leader)) {
      return;
    }
    View view = node(leader).view;
    ObjectId oid = anyOf(objects);
    Content old = acknowledged.getOrDefault(oid, Content.NONE);
    if (view == null
        || perhaps.containsKey(oid)
        || view.places(oid, copies(oid)).stream().noneMatch(View.Peer::isSynced)) {
      return;
    }
    int kind = random.nextInt(old.equals(Content.NONE) ? 1 : 4);
    int fresh = ++counter;
    Content wanted =
        switch (kind) {
          case 0 -> new Content(fresh, fresh);
          case 1 -> new Content(fresh, old.two());
          case 2 -> new Content(old.one(), fresh);
          default -> Content.NONE;
        };
    boolean whole = kind == 0 || kind == 3;
    List<View.Peer> places = new ArrayList<>(view.allPlaces(oid, copies(oid)));
    places.removeIf(place -> !place.member().isPresent());
    Collections.shuffle(places, random);
    int crash = random.nextInt(8) == 0 ? random.nextInt(places.size()) : -1;
    boolean all = true;
    for (int i = 0; i < places.size(); i++) {
      if (i == crash) {
        kill(node(random.nextBoolean() ? leader : anyOf(places)));
        if (!isThere(leader)) {
          all = false;
          break;
        }
      }
      Node place = node(places.get(i));
      boolean reached = reaches(node(leader), places.get(i)) && isServing(place);
      boolean same = reached && place.seen == view.number();
      all &= same && apply(place, oid, wanted, kind, whole);
    }
    if (all) {
      acknowledged.put(oid, wanted);
      if (random.nextBoolean()) { // they have heard that it is finished everywhere
        places.forEach(place -> node(place).suspects.remove(oid));
      }
    } else {
      perhaps.put(oid, Set.of(old, wanted));
    }
  }

  /** Whoever leads, if only as of an older epoch, answers from its own copy. */
  private void read(Node node) {
    View view = node.view;
    if (view == null || !isServing(node) || !view.isLeader()) {
      return;
    }
    for (ObjectId oid : objects) {
      Content found = node.disks.get(oid);
      Content right = acknowledged.getOrDefault(oid, Content.NONE);
      boolean wrong = has(node, oid) && !found.equals(right);
      if (wrong && !perhaps.getOrDefault(oid, Set.of()).contains(found)) {
        throw failure(oid, found, node);
      }
    }
  }

  private boolean apply(Node node, ObjectId oid, Content wanted, int kind, boolean whole) {
    View view = node.view;
    if (view == null) {
      return false;
    }
    node.suspects.add(oid);
    boolean has = has(node, oid);
    if (!has && !whole && !node.recovered.contains(oid) && !fetch(node, view, oid)) {
      return false;
    }
    Content found = node.disks.get(oid);
    node.disks.put(
        oid,
        switch (kind) {
          case 1 -> new Content(wanted.one(), found.two());
          case 2 -> new Content(found.one(), wanted.two());
          default -> wanted;
        });
    if (!has) {
      node.recovered.add(oid);
    }
    return true;
  }

  // --- recovery ---

  private void recover(Node node) {
    View view = node.view;
    if (!open || view == null || !isServing(node) || view.number() != epoch.number()) {
      return;
    }
    if (self(view).isSynced() && !view.isMoving()) {
      for (ObjectId oid : node.before) {
        if (RecoveryPlan.step(view, oid, copies(oid), true) == RecoveryPlan.Step.DROP) {
          drop(node, view, oid);
        }
      }
      return;
    }
    if (node.caughtUp) {
      return;
    }
    List<ObjectId> todo = node.todo == null ? list(node, view) : node.todo;
    node.todo = todo;
    if (todo == null) {
      return;
    }
    for (int i = random.nextInt(6); i > 0 && !todo.isEmpty(); i--) {
      ObjectId oid = todo.remove(todo.size() - 1);
      boolean isListed = node.listed.contains(oid);
      boolean done =
          switch (RecoveryPlan.step(view, oid, copies(oid), isListed)) {
            case FETCH -> node.recovered.contains(oid) || fetch(node, view, oid);
            case DROP -> drop(node, view, oid);
            case KEEP -> true;
          };
      if (!done) {
        node.todo = null;
        return;
      }
    }
    node.caughtUp = todo.isEmpty();
  }

  private @Nullable List<ObjectId> list(Node node, View view) {
    node.listed = new HashSet<>();
    for (View.Peer peer : view.present()) {
      boolean equal = peer.member().since() == self(view).member().since();
      if (!peer.isSelf() && (peer.isSynced() || equal)) {
        if (!reaches(node, peer)) {
          return null;
        }
        node.listed.addAll(node(peer).disks.list());
      }
    }
    if (RecoveryPlan.awaited(view, 1) != null) {
      return null;
    }
    Set<ObjectId> all = new HashSet<>(node.listed);
    all.addAll(node.before);
    List<ObjectId> todo = new ArrayList<>(all);
    todo.sort(null);
    Collections.shuffle(todo, random);
    return todo;
  }

  private boolean drop(Node node, View view, ObjectId oid) {
    boolean owned = self(view).isSynced() && view.isPlace(oid, copies(oid));
    if (!owned && !node.recovered.contains(oid)) {
      node.disks.put(oid, Content.NONE);
    }
    return true;
  }

  // --- the run ---

  /** One random step. */
  void step() {
    Node node = anyOf(List.copyOf(nodes.values()));
    if (moreCopies > 0 && (random.nextInt(20) == 0 || node.disks.isLosing())) {
      goOnWithoutDisk(node);
      check();
      return;
    }
    switch (random.nextInt(17)) {
      case 0 -> {
        if (node.incarnation != null && random.nextBoolean()) {
          kill(node);
        }
      }
      case 1 -> {
        if (node.incarnation == null) {
          start(node);
        }
      }
      case 2 -> {
        if (random.nextInt(3) == 0) {
          reweight();
        } else if (random.nextInt(3) == 0) {
          alterCopies();
        }
      }
      case 3, 4 -> advance();
      case 5, 6 -> {
        if (!open) {
          for (Member member : epoch.members()) { // who is left out looks when it likes
            if (member.isPresent()) {
              look(node(member.storeId()));
            }
          }
          tryOpen();
        }
      }
      case 7, 8, 9 -> recover(node);
      case 10, 11 -> look(node);
      case 12 -> changeNetwork();
      case 13 -> nodes.values().forEach(this::read);
      default -> change();
    }
    check();
  }

  /** Two fall silent for each other or hear each other again, and ZooKeeper may be told, or not. */
  private void changeNetwork() {
    Rift rift =
        Rift.between(anyOf(List.copyOf(nodes.keySet())), anyOf(List.copyOf(nodes.keySet())));
    if (random.nextInt(6) > 0) {
      rifts.remove(rift);
    } else if (!rift.first().equals(rift.second())) {
      rifts.add(rift);
    }
    if (random.nextInt(4) > 0) {
      told = Set.copyOf(rifts);
    } else if (random.nextInt(4) == 0) { // all but what only one of them knows yet
      Set<Rift> some = new HashSet<>(rifts);
      some.removeIf(any -> random.nextBoolean());
      told = some;
    }
  }

  private void alterCopies() {
    int vid = 1 + random.nextInt(3);
    int wanted = 1 + moreCopies + random.nextInt(4 - moreCopies);
    copiesWish.put(new VdiId(vid), new CopyNumber(vid + moreCopies, wanted));
  }

  private void reweight() {
    Map<String, NodeInfo> wanted = new HashMap<>();
    for (Node node : nodes.values()) {
      if (node.incarnation != null) {
        wanted.put(node.id, node.info);
      }
    }
    wish = wanted.isEmpty() ? wish : wanted;
  }

  /** In an open epoch each SYNCED place of an object has what was acknowledged. */
  private void check() {
    if (!open) {
      return;
    }
    View view = new View(LAYOUT, epoch, "nobody");
    for (ObjectId oid : objects) {
      Content right = acknowledged.getOrDefault(oid, Content.NONE);
      Set<Content> possible = perhaps.getOrDefault(oid, Set.of());
      for (View.Peer place : view.places(oid, copies(oid))) {
        Content found = node(place).disks.get(oid);
        boolean isGone =
            !isThere(place) && node(place).disks.isIncomplete(); // the epoch will say so
        if (place.isSynced() && !isGone && !found.equals(right) && !possible.contains(found)) {
          throw failure(oid, found, node(place));
        }
      }
    }
  }

  /** Everybody comes back; then everything has to be where it should be, and nowhere else. */
  void end() {
    rifts.clear();
    told = Set.of();
    for (int round = 0; round < 2_000; round++) {
      for (Node node : nodes.values()) {
        if (node.incarnation == null) {
          start(node);
        } else if (node.disks.isLosing()) {
          goOnWithoutDisk(node);
        }
      }
      advance();
      nodes.values().forEach(this::look);
      if (!open) {
        tryOpen();
      }
      nodes.values().forEach(this::recover);
      check();
      if (open && isAtRest()) {
        return;
      }
    }
    throw new AssertionError("seed " + seed + " does not come to rest: " + epoch.encode());
  }

  private boolean isAtRest() {
    if (epoch.isMoving() || epoch.in(State.SYNCED).size() != epoch.members().size()) {
      return false;
    }
    View view = new View(LAYOUT, epoch, "nobody");
    for (ObjectId oid : objects) {
      List<View.Peer> places = view.places(oid, copies(oid));
      for (View.Peer peer : view.all()) {
        boolean isThere = node(peer).disks.has(oid);
        if (isThere && !places.contains(peer)) {
          return false;
        }
      }
    }
    return true;
  }
}
