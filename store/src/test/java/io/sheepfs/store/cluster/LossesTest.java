package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
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

/** When the epochs say that unflushed changes may be lost. */
final class LossesTest {

  private static final Instant NOW = Instant.ofEpochSecond(1_700_000_000);

  private static NodeInfo node(String id) {
    int number = id.charAt(0) - 'a';
    return new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, 128, number, 1L << 40);
  }

  private static Member member(String id, State state, int since, String incarnation) {
    return new Member(id, state, since, incarnation, Seat.of(node(id)));
  }

  private static Alive same(String id) {
    return new Alive(id + "1", false);
  }

  private static Alive back(String id) {
    return new Alive(id + "2", false);
  }

  private static Alive backWithoutPower(String id) {
    return new Alive(id + "2", false, Loss.UNFLUSHED);
  }

  private static Epoch epoch(State... states) {
    List<Member> members =
        List.of(
            member("a", states[0], 1, states[0] == State.AWAY ? "-" : "a1"),
            member("b", states[1], 1, states[1] == State.AWAY ? "-" : "b1"),
            member("c", states[2], 1, states[2] == State.AWAY ? "-" : "c1"));
    return new Epoch(5, NOW, members);
  }

  private static List<Integer> after(Epoch now, Alive a, Alive b, Alive c) {
    return after(now, Map.of("a", a, "b", b, "c", c));
  }

  private static List<Integer> after(Epoch now, Map<String, Alive> alive) {
    Epoch next = Membership.next(now, alive, Map.of(), NOW).orElseThrow();
    assertEquals(next, Epoch.decode(next.encode()));
    return next.losses().epochs();
  }

  private static List<Integer> of(int one, int two, int three) {
    return List.of(one, two, three, 0, 0, 0, 0, 0);
  }

  @Test
  void oneMachineOfThree_onlyWhatHasOneCopyIsLost() {
    Epoch now = epoch(State.SYNCED, State.SYNCED, State.SYNCED);
    assertEquals(of(6, 0, 0), after(now, same("a"), same("b"), backWithoutPower("c")));
    Epoch away = epoch(State.SYNCED, State.SYNCED, State.AWAY);
    assertEquals(of(6, 0, 0), after(away, same("a"), same("b"), backWithoutPower("c")));
  }

  @Test
  void processesAlone_loseNothing() {
    Epoch now = epoch(State.SYNCED, State.SYNCED, State.SYNCED);
    assertEquals(Losses.NONE.epochs(), after(now, back("a"), back("b"), back("c")));
    assertEquals(Losses.NONE.epochs(), after(now, Map.of("a", same("a"))));
    assertTrue(now.encode().lines().noneMatch(Losses::isOne), "as an earlier version reads it");
  }

  @Test
  void allMachines_everythingIsLost() {
    Epoch now = epoch(State.SYNCED, State.SYNCED, State.SYNCED);
    List<Integer> lost =
        after(now, backWithoutPower("a"), backWithoutPower("b"), backWithoutPower("c"));
    assertEquals(of(6, 6, 6), lost);
  }

  @Test
  void whoIsBehind_hasNothingForSure() {
    Epoch now = epoch(State.SYNCED, State.SYNCING, State.AWAY);
    Map<String, Alive> alive = Map.of("a", backWithoutPower("a"), "b", same("b"));
    assertEquals(of(6, 6, 6), after(now, alive));
    Epoch two = epoch(State.SYNCED, State.SYNCED, State.SYNCING);
    assertEquals(of(6, 6, 0), after(two, backWithoutPower("a"), same("b"), same("c")));
  }

  @Test
  void afterAMove_nothingGoesBackToAnEarlierEpoch() {
    Losses losses = Losses.NONE.with(3, 4).with(1, 6);
    assertEquals(of(6, 4, 4), losses.epochs());
    assertEquals(6, losses.afterMove().of(8));
    Epoch now =
        new Epoch(
            9,
            NOW,
            List.of(member("a", State.SYNCED, 1, "a1")),
            Map.of(new VdiId(7), new CopyNumber(1, 2)),
            losses);
    Epoch next =
        Membership.next(now, Map.of("a", new Alive("a1", true)), Map.of(), NOW).orElseThrow();
    assertEquals(losses.afterMove(), next.losses());
  }

  @Test
  void force_losesWhatIsNotThere() {
    Epoch now = epoch(State.SYNCED, State.SYNCED, State.AWAY);
    Epoch next = LastResort.next(now, Map.of("c", back("c")), NOW).orElseThrow();
    assertEquals(6, next.losses().of(Replica.MAX_NODES));
  }
}
