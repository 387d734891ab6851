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
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class LastResortTest {

  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);

  private static Seat seat(String id) {
    int number = id.charAt(0) - 'a';
    return Seat.of(
        new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, 128, number, 1L << 40));
  }

  private static Member member(String id, State state, int since, String incarnation) {
    return new Member(id, state, since, incarnation, seat(id));
  }

  private static Epoch epoch(Member... members) {
    return new Epoch(9, NOW, List.of(members));
  }

  private static Alive alive(String incarnation) {
    return new Alive(incarnation, false);
  }

  @Test
  void cluster_thatCanGoOn_isNotDue() {
    Epoch now = epoch(member("a", State.SYNCED, 1, "a1"), member("b", State.SYNCED, 1, "b1"));
    assertFalse(LastResort.isDue(now, Map.of("a", alive("a1"))));
    assertFalse(LastResort.isDue(now, Map.of("a", alive("a2"), "b", alive("b2"))));
    assertFalse(LastResort.isDue(now, Map.of()), "nobody is there who could go on");
    assertTrue(LastResort.isDue(now, Map.of("a", alive("a2"))));
  }

  @Test
  void someOfTheLastAreBack_theyGoOnAndTheOthersAreGivenUp() {
    Epoch now =
        new Epoch(
            9,
            NOW,
            List.of(
                member("a", State.SYNCED, 1, "a1"),
                member("b", State.SYNCED, 1, "b1"),
                member("c", State.AWAY, 7, "-")),
            Map.of(new VdiId(5), new CopyNumber(2, 3)));
    Map<String, Alive> there = Map.of("b", alive("b2"), "c", alive("c2"));
    Epoch next = LastResort.next(now, there, NOW).orElseThrow();
    assertEquals(10, next.number());
    assertEquals(
        List.of(
            member("a", State.AWAY, Member.GIVEN_UP, "-"),
            member("b", State.SYNCED, 10, "b2"),
            member("c", State.SYNCING, 7, "c2")),
        next.members());
    assertEquals(now.copies(), next.copies());
    assertEquals("b", next.leader().orElseThrow().storeId());
    assertEquals(next, Epoch.decode(next.encode()));
  }

  @Test
  void ofThoseWhoAreBack_whoLostLeastGoesOn() {
    Epoch now =
        epoch(
            member("a", State.SYNCED, 1, "a1"),
            member("b", State.SYNCED, 1, "b1"),
            member("c", State.SYNCED, 1, "c1"),
            member("d", State.SYNCED, 1, "d1"));
    Map<String, Alive> there =
        Map.of(
            "a", new Alive("a2", false, Loss.OBJECTS),
            "b", new Alive("b2", false, Loss.UNFLUSHED),
            "c", alive("c2"));
    Epoch next = LastResort.next(now, there, NOW).orElseThrow();
    assertEquals(
        List.of(
            member("a", State.SYNCING, Member.GIVEN_UP, "a2"),
            member("b", State.SYNCING, 10, "b2"),
            member("c", State.SYNCED, 10, "c2"),
            member("d", State.AWAY, Member.GIVEN_UP, "-")),
        next.members());
  }

  @Test
  void noneOfTheLastIsBack_whoWasItBeforeGoesOn() {
    Epoch now =
        epoch(
            member("a", State.SYNCED, 1, "a1"),
            member("b", State.AWAY, 5, "-"),
            member("c", State.SYNCING, 7, "c1"));
    Map<String, Alive> there = Map.of("b", alive("b2"), "c", alive("c1"));
    Epoch next = LastResort.next(now, there, NOW).orElseThrow();
    assertEquals(member("c", State.SYNCED, 10, "c1"), next.member("c"));
    assertEquals(member("b", State.SYNCING, 5, "b2"), next.member("b"));
    assertEquals(member("a", State.AWAY, Member.GIVEN_UP, "-"), next.member("a"));
  }

  @Test
  void givenUpNode_isWaitedForByNobody() {
    Epoch next =
        epoch(
            member("a", State.AWAY, Member.GIVEN_UP, "-"),
            member("b", State.SYNCING, 5, "b2"),
            member("c", State.SYNCED, 10, "c1"));
    assertEquals("nobody", awaited(next, "b"));
    assertEquals("b", awaited(next, "c"), "so that a ring without it can come");
    Epoch before =
        epoch(
            member("a", State.AWAY, 8, "-"),
            member("b", State.SYNCING, 5, "b2"),
            member("c", State.SYNCED, 10, "c1"));
    assertEquals("a", awaited(before, "b"));
  }

  private static String awaited(Epoch epoch, String by) {
    View view = new View(new Layout(1, 0, 3, 22, "plain"), epoch, by);
    View.Peer awaited = RecoveryPlan.awaited(view, 1);
    return awaited == null ? "nobody" : awaited.member().storeId();
  }

  @Test
  void givenUpNode_thatIsBackCatchesUpLikeAnyOther() {
    Epoch now =
        epoch(member("a", State.AWAY, Member.GIVEN_UP, "-"), member("c", State.SYNCED, 10, "c1"));
    Map<String, Alive> there = Map.of("a", alive("a3"), "c", alive("c1"));
    Epoch next = Membership.next(now, there, Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCING, Member.GIVEN_UP, "a3"), next.member("a"));
    Map<String, Alive> later = Map.of("a", new Alive("a3", true), "c", alive("c1"));
    Epoch last = Membership.next(next, later, Map.of(), NOW).orElseThrow();
    assertEquals(member("a", State.SYNCED, 11, "a3"), last.member("a"));
  }
}
