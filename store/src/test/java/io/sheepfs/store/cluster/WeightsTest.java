package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.Loss;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.Registry.Found;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class WeightsTest {

  private static final long TERABYTE = 1_000_000_000_000L;

  private final Map<String, Found> there = new HashMap<>();

  private void node(String id, long bytes) {
    node(id, bytes, 128, true);
  }

  private void node(String id, long bytes, int points, boolean isWeighted) {
    int number = id.charAt(0) - 'a';
    NodeInfo info =
        new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, points, number, bytes);
    there.put(id, new Found(info, id + "1", isWeighted, Loss.NONE));
  }

  private Map<String, Integer> points(@Nullable Epoch ring) {
    return points(ring, true);
  }

  private Map<String, Integer> points(@Nullable Epoch ring, boolean byDisk) {
    Map<String, Integer> points = new TreeMap<>();
    Weights.of(there, ring, byDisk).forEach((id, node) -> points.put(id, node.virtualNodes()));
    return points;
  }

  private Found found(String id) {
    Found found = there.get(id);
    if (found == null) {
      throw new IllegalStateException(id);
    }
    return found;
  }

  private static Epoch ring(Map<String, NodeInfo> nodes) {
    List<Member> members = new ArrayList<>();
    nodes.forEach(
        (id, node) -> members.add(new Member(id, State.SYNCED, 1, id + "1", Seat.of(node))));
    return new Epoch(1, Instant.EPOCH, members);
  }

  @Test
  void newRing_goesByTheSizesOfDisks() {
    node("a", TERABYTE);
    node("b", 2 * TERABYTE);
    node("c", 3 * TERABYTE);
    assertEquals(Map.of("a", 64, "b", 128, "c", 192), points(null));
    assertEquals(
        Map.of("a", 128, "b", 128, "c", 128), points(null, false), "formatted to go by numbers");
  }

  @Test
  void newRing_ofEqualDisks_has128PointsEach() {
    node("a", 7 * TERABYTE);
    node("b", 7 * TERABYTE);
    node("c", 7 * TERABYTE);
    assertEquals(Map.of("a", 128, "b", 128, "c", 128), points(null));
  }

  @Test
  void nodeWithANumberOfItsOwn_getsThat() {
    node("a", TERABYTE);
    node("b", TERABYTE, 77, false);
    node("c", 0);
    assertEquals(Map.of("a", 128, "b", 77, "c", 128), points(null));
  }

  @Test
  void smallestAndLargestDisk_staysOnTheRing() {
    node("a", 1);
    node("b", TERABYTE);
    node("c", 1_000_000 * TERABYTE);
    Epoch ring = ring(Weights.of(Map.of("b", found("b")), null, true));
    assertEquals(Map.of("a", 1, "b", 128, "c", 65535), points(ring));
  }

  @Test
  void nodeThatJoins_movesNoOther() {
    node("a", TERABYTE);
    node("b", 2 * TERABYTE);
    node("c", 3 * TERABYTE);
    Epoch ring = ring(Weights.of(there, null, true));
    node("d", 4 * TERABYTE);
    assertEquals(Map.of("a", 64, "b", 128, "c", 192, "d", 256), points(ring));
  }

  @Test
  void diskThatWasReplaced_movesNoOther() {
    node("a", TERABYTE);
    node("b", TERABYTE);
    node("c", TERABYTE);
    Epoch ring = ring(Weights.of(there, null, true));
    node("c", 2 * TERABYTE);
    assertEquals(Map.of("a", 128, "b", 128, "c", 256), points(ring));
    node("b", TERABYTE + TERABYTE / 200);
    assertEquals(Map.of("a", 128, "b", 128, "c", 255), points(ring), "half a percent is nothing");
  }
}
