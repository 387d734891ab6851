package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.Room.Need;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class RoomTest {

  private static final long MIB = 1 << 20;
  private static final long SECOND = 1_000_000_000L;

  /** Reserves of 8 MiB, of which 4 are for what frees space. */
  private static final long TOTAL = 100 * MIB;

  private final Map<String, Long> free = new HashMap<>();
  private final List<String> asked = new ArrayList<>();
  private long now;
  private final Room room = new Room(this::report, () -> now);

  private Space report(View.Peer place) throws IOException {
    asked.add(place.member().storeId());
    Long bytes = free.get(place.member().storeId());
    if (bytes == null) {
      throw new IOException("no answer");
    }
    return new Space(TOTAL, bytes);
  }

  private static View.Peer place(String id) {
    NodeInfo node = new NodeInfo(InetAddress.getLoopbackAddress(), 7000, 128, 1, TOTAL);
    return new View.Peer(node, new Member(id, State.SYNCED, 1, id + "1", Seat.of(node)), false);
  }

  private static final List<View.Peer> PLACES = List.of(place("a"), place("b"));

  private void assertFull(long bytes, Need need) {
    SheepException full =
        assertThrows(SheepException.class, () -> room.claim(PLACES, bytes, need).close());
    assertEquals(ResultCode.NO_SPACE, full.result());
  }

  @Test
  void claim_onePlaceWithoutRoom_isRefusedAndTakesNothingOfTheOther() throws SheepException {
    free.putAll(Map.of("a", 40 * MIB, "b", 9 * MIB));
    assertFull(2 * MIB, Need.CREATE);
    for (int i = 0; i < 100; i++) { // as often as it likes: the room on the first is free again
      assertFull(20 * MIB, Need.CREATE);
    }
    room.claim(PLACES, MIB, Need.CREATE).close();
  }

  @Test
  void claim_halfOfTheReserve_isForWritesAndTheRestForWhatFrees() throws SheepException {
    free.putAll(Map.of("a", 40 * MIB, "b", 6 * MIB));
    assertFull(MIB, Need.CREATE);
    room.claim(PLACES, MIB, Need.WRITE).close();
    free.put("b", 4 * MIB);
    now += 2 * SECOND;
    assertFull(1, Need.WRITE);
    room.claim(PLACES, MIB, Need.NOTHING).close();
  }

  @Test
  void claim_whatIsUnderWay_counts() throws SheepException {
    free.putAll(Map.of("a", 18 * MIB, "b", 100 * MIB));
    Room.Claim first = room.claim(PLACES, 6 * MIB, Need.CREATE);
    Room.Claim second = room.claim(PLACES, 4 * MIB, Need.CREATE);
    assertFull(MIB, Need.CREATE);
    first.close();
    free.put("a", 12 * MIB);
    assertFull(MIB, Need.CREATE); // what the second needs is not on the disk yet
    second.close();
    free.put("a", 9 * MIB); // part of it took no space
    room.claim(PLACES, MIB, Need.CREATE).close();
  }

  @Test
  void claim_withoutAnAnswer_isGranted() throws SheepException {
    free.put("a", 50 * MIB);
    room.claim(PLACES, 90 * MIB, Need.NOTHING).close();
    room.claim(PLACES, 20 * MIB, Need.CREATE).close();
  }

  @Test
  void claim_muchRoom_asksOnceASecond() throws SheepException {
    free.putAll(Map.of("a", 60 * MIB, "b", 60 * MIB));
    for (int i = 0; i < 10; i++) {
      room.claim(PLACES, MIB, Need.WRITE).close();
    }
    assertEquals(List.of("a", "b"), asked);
    now += 2 * SECOND;
    room.claim(PLACES, MIB, Need.WRITE).close();
    assertEquals(List.of("a", "b", "a", "b"), asked);
  }
}
