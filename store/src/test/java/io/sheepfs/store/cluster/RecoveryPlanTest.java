package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectId.Kind;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.RecoveryPlan.Step;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

final class RecoveryPlanTest {

  private static final Layout LAYOUT = new Layout(1, 0, 3, 22, "plain");
  private static final int OBJECTS = 10_000;

  private static NodeInfo node(int number, int zone) {
    return new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, 128, zone, 1L << 40);
  }

  private static Member member(int number, State state, int points, int nextPoints) {
    Seat seat = new Seat(node(number, number), points, nextPoints);
    String incarnation = state == State.AWAY ? "-" : "i" + number;
    return new Member("n" + number, state, state == State.SYNCED ? 1 : 5, incarnation, seat);
  }

  private static View view(int self, Member... members) {
    return new View(LAYOUT, new Epoch(5, Instant.EPOCH, List.of(members)), "n" + self);
  }

  private static ObjectId object(int i) {
    return ObjectId.data(new VdiId(1 + i % 7), i);
  }

  private static Set<String> places(View view, ObjectId oid, boolean all, int copies) {
    Set<String> ids = new HashSet<>();
    for (View.Peer peer : all ? view.allPlaces(oid, copies) : view.places(oid, copies)) {
      ids.add(peer.member().storeId());
    }
    return ids;
  }

  /** Three nodes, and a fourth that comes. */
  private static Member[] fourth() {
    return new Member[] {
      member(0, State.SYNCED, 128, 128),
      member(1, State.SYNCED, 128, 128),
      member(2, State.SYNCED, 128, 128),
      member(3, State.SYNCING, 0, 128)
    };
  }

  @Test
  void step_fourthNodeComes_onlyItFetchesAndOnlyItsShare() {
    long fetched = 0;
    long needed = 0;
    for (int self = 0; self < 4; self++) {
      View view = view(self, fourth());
      for (int i = 0; i < OBJECTS; i++) {
        ObjectId oid = object(i);
        Set<String> before = places(view, oid, false, 2);
        Set<String> both = places(view, oid, true, 2);
        Step step = RecoveryPlan.step(view, oid, 2, true);
        boolean isNew = both.contains("n" + self) && !before.contains("n" + self);
        assertEquals(isNew, step == Step.FETCH, oid + " on node " + self);
        // what a SYNCED node has no part in it keeps until the ring has changed
        assertTrue(self == 3 || step != Step.DROP, oid + " on node " + self);
        fetched += step == Step.FETCH ? 1 : 0;
        needed += isNew ? 1 : 0;
        assertTrue(both.size() <= 3 && both.containsAll(before), both::toString);
      }
    }
    assertEquals(needed, fetched);
    // the fourth of four equal nodes has a quarter of all copies to get; 128 points are not quite
    // even
    assertTrue(fetched <= 1.2 * 2 * OBJECTS / 4, fetched + " of " + OBJECTS);
    assertTrue(fetched >= 0.8 * 2 * OBJECTS / 4, fetched + " of " + OBJECTS);
  }

  @Test
  void step_afterTheSwitch_eachObjectStaysOnItsPlacesAlone() {
    Member[] members = new Member[4];
    for (int i = 0; i < 4; i++) {
      members[i] = member(i, State.SYNCED, 128, 128);
    }
    for (int i = 0; i < 1000; i++) {
      ObjectId oid = object(i);
      int kept = 0;
      for (int self = 0; self < 4; self++) {
        View view = view(self, members);
        Step step = RecoveryPlan.step(view, oid, 2, true);
        boolean isPlace = places(view, oid, false, 2).contains("n" + self);
        assertEquals(isPlace ? Step.KEEP : Step.DROP, step, oid + " on node " + self);
        kept += isPlace ? 1 : 0;
      }
      assertEquals(2, kept);
    }
  }

  @Test
  void step_deadNodeIsLeftOut_othersFetchWhatItHad() {
    int fetched = 0;
    int lost = 0;
    for (int self = 1; self < 4; self++) {
      View view =
          view(
              self,
              member(0, State.AWAY, 128, 0),
              member(1, State.SYNCED, 128, 128),
              member(2, State.SYNCED, 128, 128),
              member(3, State.SYNCED, 128, 128));
      for (int i = 0; i < 1000; i++) {
        ObjectId oid = object(i);
        fetched += RecoveryPlan.step(view, oid, 2, true) == Step.FETCH ? 1 : 0;
        lost += self == 1 && places(view, oid, false, 2).contains("n0") ? 1 : 0;
      }
    }
    assertEquals(lost, fetched);
    assertTrue(lost > 0);
  }

  @Test
  void step_newNodeHasWhatNobodyLists_dropsIt() {
    View view = view(3, fourth());
    for (int i = 0; i < 100; i++) {
      assertEquals(Step.DROP, RecoveryPlan.step(view, object(i), 2, false));
    }
  }

  @Test
  void step_backWhileObjectsMove_firstBringsWhatItHadUpToDate() {
    View view =
        view(
            2,
            member(0, State.SYNCED, 128, 128),
            member(1, State.SYNCED, 128, 128),
            member(2, State.SYNCING, 128, 256),
            member(3, State.SYNCED, 128, 128));
    int kept = 0;
    for (int i = 0; i < 1000; i++) {
      boolean onRing = places(view, object(i), false, 2).contains("n2");
      boolean later = !onRing && places(view, object(i), true, 2).contains("n2");
      Step expected = onRing ? Step.FETCH : later ? Step.KEEP : Step.DROP;
      assertEquals(expected, RecoveryPlan.step(view, object(i), 2, true));
      kept += later ? 1 : 0;
    }
    assertTrue(kept > 0);
  }

  @Test
  void awaited_objectsThatOnlyALostNodeMayHave_areWaitedFor() {
    Member[] members = fourth();
    members[0] = member(0, State.AWAY, 128, 0);
    assertNull(RecoveryPlan.awaited(view(3, members), 2));
    assertNotNull(RecoveryPlan.awaited(view(3, members), 1));
    assertNotNull(RecoveryPlan.awaited(view(1, members), 1));
  }

  @Test
  void inodes_twoNodesInOneZone_areOnBoth() {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      members.add(new Member("n" + i, State.SYNCED, 1, "i" + i, Seat.of(node(i, i / 2))));
    }
    View view = new View(LAYOUT, new Epoch(5, Instant.EPOCH, members), "n0");
    for (int i = 1; i < 50; i++) {
      ObjectId inode = ObjectId.inode(new VdiId(i));
      assertEquals(3, view.places(inode, Replica.MAX_NODES).size());
      assertEquals(3, view.places(ObjectId.of(Kind.ATTRIBUTE, new VdiId(i), 9), 8).size());
      assertEquals(2, view.places(ObjectId.data(new VdiId(i), i), 3).size());
    }
  }
}
