package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.Rifts.Rift;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class RiftsTest {

  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);

  private static Member member(String id, State state, int since) {
    NodeInfo node =
        new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + id.charAt(0), 128, 1, 1L << 40);
    return new Member(id, state, since, id + "1", Seat.of(node));
  }

  private static Member synced(String id, int since) {
    return member(id, State.SYNCED, since);
  }

  private static Epoch epoch(Member... members) {
    return new Epoch(5, NOW, List.of(members));
  }

  private static Map<String, String> there(String... ids) {
    Map<String, String> there = new HashMap<>();
    for (String id : ids) {
      there.put(id, id + "1");
    }
    return there;
  }

  private static Set<Rift> rifts(String... pairs) {
    Set<Rift> rifts = new HashSet<>();
    for (String pair : pairs) {
      rifts.add(Rift.between(pair.substring(0, 1), pair.substring(1)));
    }
    return rifts;
  }

  private static final Epoch THREE = epoch(synced("a", 3), synced("b", 1), synced("c", 2));
  private static final Map<String, String> ALL = there("a", "b", "c");

  @Test
  void leftOut_noRift_isNobody() {
    assertEquals(Set.of(), Rifts.leftOut(THREE, ALL, Set.of(), true));
  }

  @Test
  void leftOut_theLeaderDoesNotHearOne_isThatOne() {
    assertEquals(Set.of("a"), Rifts.leftOut(THREE, ALL, rifts("ba"), false));
    assertEquals(Set.of("c"), Rifts.leftOut(THREE, ALL, rifts("cb"), false));
  }

  @Test
  void leftOut_theLeaderHearsNobody_isTheLeader() {
    assertEquals(Set.of("b"), Rifts.leftOut(THREE, ALL, rifts("ba", "bc"), false));
  }

  @Test
  void leftOut_nobodyHearsAnybody_leavesTheLeader() {
    assertEquals(Set.of("a", "c"), Rifts.leftOut(THREE, ALL, rifts("ba", "bc", "ac"), false));
  }

  @Test
  void leftOut_twoOfTwo_leavesTheLeader() {
    assertEquals(Set.of("a"), Rifts.leftOut(THREE, there("a", "b"), rifts("ba"), false));
  }

  @Test
  void leftOut_twoWhoNeedNotTalk_isNobodyUnlessTheEpochCannotOpen() {
    assertEquals(Set.of(), Rifts.leftOut(THREE, ALL, rifts("ac"), false));
    assertEquals(Set.of("c"), Rifts.leftOut(THREE, ALL, rifts("ac"), true));
  }

  @Test
  void leftOut_oneWhoCatchesUp_givesWayToOneWhoIsSynced() {
    Epoch now = epoch(synced("a", 3), synced("b", 1), member("c", State.SYNCING, 4));
    assertEquals(Set.of("c"), Rifts.leftOut(now, ALL, rifts("ac"), false));
    // two who catch up with the leader are not worth more than one who is synced
    Epoch four =
        epoch(
            synced("a", 3),
            synced("b", 1),
            member("c", State.SYNCING, 4),
            member("d", State.SYNCING, 4));
    assertEquals(
        Set.of("c", "d"), Rifts.leftOut(four, there("a", "b", "c", "d"), rifts("ac", "ad"), false));
  }

  @Test
  void leftOut_oneWhoWasLeftOut_staysOutAsLongAsTheRiftLasts() {
    Epoch now = epoch(synced("b", 1), member("a", State.AWAY, 5), synced("c", 2));
    assertEquals(Set.of("a"), Rifts.leftOut(now, ALL, rifts("ac"), false));
    assertEquals(Set.of("a"), Rifts.leftOut(now, ALL, rifts("ab"), false));
  }

  @Test
  void leftOut_noSyncedNodeThere_isNobody() {
    assertEquals(Set.of(), Rifts.leftOut(THREE, Map.of("a", "a2", "b", "b2"), rifts("ab"), true));
  }

  /** Whoever stays hears all who stay, a SYNCED node is among them, and nobody else could stay. */
  @Test
  void leftOut_anyRifts_leavesALargestGroupThatHearsItself() {
    for (long seed = 0; seed < 5_000; seed++) {
      Random random = new Random(seed);
      List<Member> members = new ArrayList<>();
      Map<String, String> there = new HashMap<>();
      for (char id = 'a'; id < 'a' + 2 + random.nextInt(5); id++) {
        State state = random.nextInt(3) == 0 ? State.SYNCING : State.SYNCED;
        members.add(member(String.valueOf(id), state, 1 + random.nextInt(5)));
        there.put(String.valueOf(id), id + (random.nextInt(8) == 0 ? "2" : "1"));
      }
      Set<Rift> rifts = new HashSet<>();
      for (Member one : members) {
        for (Member other : members) {
          if (!one.equals(other) && random.nextInt(4) == 0) {
            rifts.add(Rift.between(one.storeId(), other.storeId()));
          }
        }
      }
      Epoch now = new Epoch(5, NOW, members);
      Set<String> out = Rifts.leftOut(now, there, rifts, true);
      Set<String> in = new HashSet<>(there.keySet());
      in.removeAll(out);
      List<Member> survivors =
          members.stream()
              .filter(node -> node.state() == State.SYNCED)
              .filter(node -> node.incarnation().equals(there.get(node.storeId())))
              .toList();
      String what = "seed " + seed + ": " + rifts + " leaves " + in + " of " + now;
      if (survivors.isEmpty()) {
        assertEquals(Set.of(), out, what);
        continue;
      }
      assertTrue(survivors.stream().anyMatch(node -> in.contains(node.storeId())), what);
      assertTrue(
          rifts.stream().noneMatch(r -> in.contains(r.first()) && in.contains(r.second())), what);
      for (String id : out) {
        assertTrue(
            rifts.stream()
                .anyMatch(r -> r.isOf(id) && (in.contains(r.first()) || in.contains(r.second()))),
            what);
      }
    }
  }

  @Test
  void riftWatch_aPictureThatChanges_waitsUntilItIsSteady() {
    RiftWatch watch = new RiftWatch(Duration.ofNanos(10));
    // who is cut off falls silent for one node first, which must not leave for it
    assertEquals(Set.of(), watch.leftOut(THREE, ALL, rifts("ba"), false, 100));
    assertTrue(watch.isPending());
    assertEquals(Set.of(), watch.leftOut(THREE, ALL, rifts("ba", "bc"), false, 105));
    assertEquals(Set.of(), watch.leftOut(THREE, ALL, rifts("ba", "bc"), false, 114));
    assertEquals(Set.of("b"), watch.leftOut(THREE, ALL, rifts("ba", "bc"), false, 115));
    assertFalse(watch.isPending());
    Epoch next = epoch(synced("a", 3), member("b", State.AWAY, 6), synced("c", 2));
    assertEquals(Set.of("b"), watch.leftOut(next, ALL, rifts("ba", "bc"), false, 116));
    // it comes back when it is heard by all for as long, and not when only one hears it
    assertEquals(Set.of("b"), watch.leftOut(next, ALL, rifts("bc"), false, 200));
    assertEquals(Set.of("b"), watch.leftOut(next, ALL, Set.of(), false, 205));
    assertEquals(Set.of("b"), watch.leftOut(next, ALL, Set.of(), false, 214));
    assertEquals(Set.of(), watch.leftOut(next, ALL, Set.of(), false, 215));
  }

  @Test
  void hearing_silenceOfFourTicks_lastsUntilItIsHeardSteadily() {
    Hearing hearing = new Hearing();
    hearing.tick();
    for (int i = 0; i < 3; i++) {
      hearing.tick();
      assertFalse(hearing.isSilent());
    }
    hearing.tick();
    assertTrue(hearing.isSilent());
    for (int i = 0; i < 21; i++) { // now and then is not enough
      if (i % 3 == 0) {
        hearing.answered();
      }
      hearing.tick();
      assertTrue(hearing.isSilent());
    }
    for (int i = 0; i < 6; i++) {
      assertTrue(hearing.isSilent());
      hearing.answered();
      hearing.tick();
    }
    assertFalse(hearing.isSilent());
  }
}
