package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.Loss;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.Membership.Alive;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class MembershipTest {

  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);

  private static Epoch epoch(int number, Member... members) {
    return new Epoch(number, NOW, List.of(members));
  }

  private static NodeInfo node(String id) {
    int number = id.charAt(0) - 'a';
    return new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, 128, number, 1L << 40);
  }

  private static Member member(String id, State state, int since, String incarnation) {
    return new Member(id, state, since, incarnation, Seat.of(node(id)));
  }

  private static Member synced(String id, int since) {
    return member(id, State.SYNCED, since, id + "1");
  }

  private static Alive alive(String incarnation) {
    return new Alive(incarnation, false);
  }

  @Test
  void next_nothingChanged_isEmpty() {
    Epoch now = epoch(3, synced("a", 1), synced("b", 1));
    assertTrue(
        Membership.next(now, Map.of("a", alive("a1"), "b", alive("b1")), Map.of(), NOW).isEmpty());
  }

  @Test
  void next_memberGone_isAway() {
    Epoch now = epoch(3, synced("a", 1), synced("b", 1));
    Epoch next = Membership.next(now, Map.of("b", alive("b1")), Map.of(), NOW).orElseThrow();
    assertEquals(4, next.number());
    assertEquals(List.of(member("a", State.AWAY, 4, "-"), synced("b", 1)), next.members());
    assertEquals("b", next.leader().orElseThrow().storeId());
  }

  @Test
  void next_memberStartedAnew_hasToCatchUp() {
    Epoch now = epoch(3, synced("a", 1), synced("b", 1));
    Map<String, Alive> there = Map.of("a", alive("a2"), "b", alive("b1"));
    Epoch next = Membership.next(now, there, Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCING, 4, "a2"), next.member("a"));
    Map<String, Alive> later = Map.of("a", new Alive("a2", true), "b", alive("b1"));
    Epoch last = Membership.next(next, later, Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCED, 5, "a2"), last.member("a"));
    assertEquals("b", last.leader().orElseThrow().storeId());
  }

  @Test
  void next_allSyncedWereGone_whoLostPowerCatchesUpWithWhoDidNot() {
    Epoch now = epoch(5, synced("a", 1), synced("b", 1), synced("c", 3));
    Alive unsure = new Alive("a2", false, Loss.UNFLUSHED);
    Map<String, Alive> there = Map.of("a", unsure, "b", alive("b2"), "c", alive("c2"));
    Epoch next = Membership.next(now, there, Map.of(), NOW).orElseThrow();
    assertEquals(
        List.of(
            member("a", State.SYNCING, 6, "a2"),
            member("b", State.SYNCED, 1, "b2"),
            member("c", State.SYNCED, 3, "c2")),
        next.members());
    assertTrue(
        Membership.next(now, Map.of("b", alive("b2"), "c", alive("c2")), Map.of(), NOW).isEmpty(),
        "it may have the only copy of something");
  }

  @Test
  void next_allLostPower_allGoOn() {
    Epoch now = epoch(5, synced("a", 1), synced("b", 1));
    Map<String, Alive> there =
        Map.of(
            "a", new Alive("a2", false, Loss.UNFLUSHED),
            "b", new Alive("b2", false, Loss.UNFLUSHED));
    Epoch next = Membership.next(now, there, Map.of(), NOW).orElseThrow();
    assertEquals(2, next.in(State.SYNCED).size());
  }

  @Test
  void next_memberThatLostObjects_isRightInNothing() {
    Alive poor = new Alive("a2", false, Loss.OBJECTS);
    Epoch now = epoch(5, synced("a", 1), synced("b", 1));
    Epoch next =
        Membership.next(now, Map.of("a", poor, "b", alive("b1")), Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCING, Member.GIVEN_UP, "a2"), next.member("a"));
    assertEquals(synced("b", 1), next.member("b"));
    Epoch both =
        Membership.next(now, Map.of("a", poor, "b", alive("b2")), Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCING, Member.GIVEN_UP, "a2"), both.member("a"));
    assertEquals(State.SYNCED, both.members().get(1).state());
    Alive again = new Alive("a2", true, Loss.OBJECTS);
    Epoch last =
        Membership.next(next, Map.of("a", again, "b", alive("b1")), Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCED, 7, "a2"), last.member("a"));
    Epoch stays = epoch(8, member("a", State.SYNCED, 7, "a2"), synced("b", 1));
    assertTrue(
        Membership.next(stays, Map.of("a", again, "b", alive("b1")), Map.of(), NOW).isEmpty());
  }

  @Test
  void next_onlySyncedMemberLostObjects_nobodyIsSyncedUntilAnEarlierOneIsBack() {
    Alive poor = new Alive("a2", false, Loss.OBJECTS);
    Epoch now = epoch(5, synced("a", 1), member("b", State.AWAY, 5, "-"));
    Epoch next = Membership.next(now, Map.of("a", poor), Map.of(), NOW).orElseThrow();
    assertTrue(next.in(State.SYNCED).isEmpty());
    assertTrue(LastResort.isDue(next, Map.of("a", poor)));
    Epoch later =
        Membership.next(next, Map.of("a", poor, "b", alive("b2")), Map.of(), NOW).orElseThrow();
    assertEquals(member("b", State.SYNCING, 5, "b2"), later.member("b"));
  }

  @Test
  void next_allSyncedGone_waitsForAllOfThem() {
    Epoch now = epoch(5, synced("a", 1), synced("b", 1), member("c", State.AWAY, 4, "-"));
    assertTrue(Membership.next(now, Map.of(), Map.of(), NOW).isEmpty());
    assertTrue(
        Membership.next(now, Map.of("a", alive("a2"), "c", alive("c2")), Map.of(), NOW).isEmpty());
    Map<String, Alive> back = Map.of("a", alive("a2"), "b", alive("b2"), "c", alive("c2"));
    Epoch next = Membership.next(now, back, Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCED, 1, "a2"), next.member("a"));
    assertEquals(member("b", State.SYNCED, 1, "b2"), next.member("b"));
    assertEquals(member("c", State.SYNCING, 4, "c2"), next.member("c"));
  }

  @Test
  void next_copiesAreWishedFor_movesAndSwitchesWhenAllHaveArrived() {
    VdiId one = new VdiId(0xabc);
    VdiId other = new VdiId(7);
    Epoch now =
        new Epoch(
            3, NOW, List.of(synced("a", 1), synced("b", 1)), Map.of(other, new CopyNumber(2, 2)));
    Map<VdiId, CopyNumber> wish = Map.of(one, new CopyNumber(2, 1), other, new CopyNumber(3, 2));
    Map<String, Alive> there = allAlive(false, "a", "b");
    Epoch moving = Membership.next(now, there, Map.of(), wish, NOW).orElseThrow();
    assertTrue(moving.isMoving());
    assertEquals(now.members(), moving.members());
    assertEquals(
        Map.of(one, new CopyNumber(2, 1), other, new CopyNumber(2, 2)),
        moving.copies(),
        "what an epoch says counts more than what was wished for from");
    assertEquals(moving, Epoch.decode(moving.encode()));
    assertTrue(Membership.next(moving, there, Map.of(), wish, NOW).isEmpty());
    Map<String, Alive> oneLate = Map.of("a", new Alive("a1", true), "b", alive("b1"));
    assertTrue(Membership.next(moving, oneLate, Map.of(), wish, NOW).isEmpty());
    Epoch moved =
        Membership.next(moving, allAlive(true, "a", "b"), Map.of(), wish, NOW).orElseThrow();
    assertEquals(Map.of(one, new CopyNumber(1, 1), other, new CopyNumber(2, 2)), moved.copies());
    assertFalse(moved.isMoving());
    assertTrue(Membership.next(moved, there, Map.of(), wish, NOW).isEmpty());
    assertEquals(
        moved.copies(),
        Membership.next(moved, allAlive(false, "a"), Map.of(), Map.of(), NOW)
            .orElseThrow()
            .copies(),
        "they stay in all epochs, whatever becomes of the wish");
  }

  @Test
  void epoch_ofAnEarlierVersion_hasNoNumbersOfCopies() {
    Epoch now = epoch(3, synced("a", 1), member("b", State.AWAY, 2, "-"));
    String text = now.encode();
    assertFalse(text.contains("copies"));
    assertEquals(now, Epoch.decode(text));
    assertEquals(Map.of(), Epoch.decode(text).copies());
  }

  private static Map<String, Alive> allAlive(boolean caughtUp, String... ids) {
    Map<String, Alive> alive = new HashMap<>();
    for (String id : ids) {
      alive.put(id, new Alive(id + "1", caughtUp));
    }
    return alive;
  }

  private static Map<String, NodeInfo> wish(String... ids) {
    Map<String, NodeInfo> wish = new HashMap<>();
    for (String id : ids) {
      wish.put(id, node(id));
    }
    return wish;
  }

  @Test
  void next_anotherRingIsWishedFor_movesAndSwitchesWhenAllHaveArrived() {
    Epoch now = epoch(3, synced("a", 1), synced("b", 1));
    Map<String, NodeInfo> wish = wish("b", "c");
    Epoch moving = Membership.next(now, allAlive(false, "a", "b", "c"), wish, NOW).orElseThrow();
    assertEquals(
        List.of(
            synced("a", 1).at(new Seat(node("a"), 128, 0)),
            synced("b", 1),
            new Member("c", State.SYNCING, 4, "c1", new Seat(node("c"), 0, 128))),
        moving.members());
    assertTrue(moving.isMoving());
    assertEquals(moving, Epoch.decode(moving.encode()));
    // once begun it goes on without being wished for again; the one who leaves need not say
    // anything
    assertTrue(Membership.next(moving, allAlive(false, "a", "b", "c"), wish, NOW).isEmpty());
    Map<String, Alive> oneLate = new HashMap<>(allAlive(true, "a", "c"));
    oneLate.put("b", alive("b1"));
    assertTrue(Membership.next(moving, oneLate, wish, NOW).isEmpty());
    Map<String, Alive> arrived = new HashMap<>(allAlive(true, "b", "c"));
    arrived.put("a", alive("a1"));
    Epoch moved = Membership.next(moving, arrived, wish, NOW).orElseThrow();
    assertEquals(List.of(synced("b", 1), member("c", State.SYNCED, 5, "c1")), moved.members());
    assertFalse(moved.isMoving());
    assertTrue(Membership.next(moved, allAlive(false, "a", "b", "c"), wish, NOW).isEmpty());
  }

  @Test
  void next_aNewNodeDiesWhileObjectsMove_theRingWaitsOrIsWishedForAnew() {
    Epoch now = epoch(3, synced("a", 1), synced("b", 1));
    Epoch moving =
        Membership.next(now, allAlive(false, "a", "b", "c"), wish("a", "b", "c"), NOW)
            .orElseThrow();
    Map<String, Alive> others = allAlive(true, "a", "b");
    Epoch waiting = Membership.next(moving, others, wish("a", "b", "c"), NOW).orElseThrow();
    assertEquals(State.AWAY, waiting.members().get(2).state());
    assertTrue(Membership.next(waiting, others, wish("a", "b", "c"), NOW).isEmpty());
    Epoch without = Membership.next(waiting, others, wish("a", "b"), NOW).orElseThrow();
    assertEquals(List.of(synced("a", 1), synced("b", 1)), without.members());
  }

  @Test
  void encoding_andBack_isTheSame() {
    Epoch now = epoch(5, synced("a", 1), member("c", State.AWAY, 4, "-"));
    assertEquals(now, Epoch.decode(now.encode()));
  }

  /**
   * Nodes come, go and catch up at random. The model: the set of nodes that have every acknowledged
   * change. Each epoch that opens acknowledges one more, which only its present members get; a node
   * that caught up has all that some SYNCED node has.
   */
  @Test
  void randomWalk_syncedMembers_alwaysHaveEverything() {
    for (long seed = 0; seed < 2_000; seed++) {
      walk(seed);
    }
  }

  private static void walk(long seed) {
    Random random = new Random(seed);
    List<String> ids = List.of("a", "b", "c", "d");
    Map<String, String> there = new HashMap<>();
    List<Member> first = new ArrayList<>();
    Map<String, Set<Integer>> has = new HashMap<>();
    for (String id : ids) {
      there.put(id, id + "0");
      first.add(member(id, State.SYNCED, 1, id + "0"));
      has.put(id, new HashSet<>());
    }
    Set<Integer> acknowledged = new HashSet<>();
    Epoch now = new Epoch(1, NOW, first);
    for (int step = 1; step < 60; step++) {
      String id = ids.get(random.nextInt(ids.size()));
      if (there.remove(id) == null || random.nextBoolean()) {
        there.put(id, id + step);
      }
      Map<String, Alive> alive = new HashMap<>();
      for (Map.Entry<String, String> node : there.entrySet()) {
        Member member = now.member(node.getKey());
        boolean caughtUp =
            member != null
                && member.state() == State.SYNCING
                && member.incarnation().equals(node.getValue())
                && isOpen(now, there)
                && random.nextBoolean();
        if (caughtUp) {
          String source = now.in(State.SYNCED).get(0).storeId();
          has.getOrDefault(node.getKey(), Set.of()).addAll(has.getOrDefault(source, Set.of()));
        }
        alive.put(node.getKey(), new Alive(node.getValue(), caughtUp));
      }
      Optional<Epoch> next = Membership.next(now, alive, Map.of(), NOW);
      if (next.isPresent()) {
        now = next.get();
      }
      for (Member member : now.in(State.SYNCED)) {
        assertTrue(
            has.getOrDefault(member.storeId(), Set.of()).containsAll(acknowledged),
            "seed " + seed + ", step " + step + ": " + now);
      }
      assertFalse(now.in(State.SYNCED).isEmpty());
      if (isOpen(now, there)) {
        acknowledged.add(step);
        for (Member member : now.members()) {
          if (member.isPresent()) {
            has.getOrDefault(member.storeId(), Set.of()).add(step);
          }
        }
      }
    }
  }

  /** An epoch opens, and takes changes, while all its present members are there. */
  private static boolean isOpen(Epoch epoch, Map<String, String> there) {
    return epoch.members().stream()
        .filter(Member::isPresent)
        .allMatch(member -> member.incarnation().equals(there.get(member.storeId())));
  }
}
