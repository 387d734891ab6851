package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class RingTest {

  private static final int POINTS = 128;

  private static NodeRecord node(int port, int virtualNodes, int zone) throws IOException {
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    return new NodeRecord(new NodeId(loopback, port), virtualNodes, zone, 1L << 40);
  }

  private static List<NodeRecord> nodes(int count) throws IOException {
    List<NodeRecord> nodes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      nodes.add(node(7000 + i, POINTS, i));
    }
    return nodes;
  }

  @Test
  void nodes_ofRecordedObjects_asTheOriginal() throws IOException {
    int checked = 0;
    for (JsonNode golden : RecordedMessage.json("/vectors/hash-golden.json").get("rings")) {
      Ring ring = new Ring(nodes(golden.get("nodes").asInt()));
      for (JsonNode placed : golden.get("placement")) {
        long oid = Long.parseUnsignedLong(placed.get("oid").asText(), 16);
        if (!ObjectId.isValid(oid)) {
          continue;
        }
        List<Integer> ports = new ArrayList<>();
        placed.get("ports").forEach(port -> ports.add(port.asInt()));
        assertEquals(
            ports,
            ring.nodes(new ObjectId(oid), golden.get("copies").asInt()).stream()
                .map(node -> node.id().port())
                .toList(),
            placed::toString);
        checked++;
      }
    }
    assertTrue(checked >= 20, "only " + checked);
  }

  @Test
  void nodes_fewerZonesThanCopies_oneInEach() throws IOException {
    Ring ring =
        new Ring(List.of(node(7000, POINTS, 1), node(7001, POINTS, 1), node(7002, POINTS, 2)));
    assertEquals(2, ring.zones());
    for (int i = 0; i < 1000; i++) {
      List<NodeRecord> nodes = ring.nodes(ObjectId.data(new VdiId(7), i), 3);
      assertEquals(2, nodes.size());
      assertEquals(Set.of(1, 2), nodes.stream().map(NodeRecord::zone).collect(Collectors.toSet()));
    }
  }

  @Test
  void nodes_gatewaysOnly_nowhere() throws IOException {
    Ring ring = new Ring(List.of(node(7000, 0, 1)));
    assertEquals(0, ring.zones());
    assertEquals(List.of(), ring.nodes(ObjectId.data(new VdiId(7), 0), 3));
    assertEquals(List.of(), new Ring(List.of()).nodes(ObjectId.data(new VdiId(7), 0), 1));
  }

  @Test
  void ring_nodeTwice_refused() throws IOException {
    NodeRecord node = node(7000, POINTS, 1);
    assertThrows(IllegalArgumentException.class, () -> new Ring(List.of(node, node)));
    Ring ring = new Ring(List.of(node));
    assertThrows(
        IllegalArgumentException.class, () -> ring.nodes(ObjectId.data(new VdiId(7), 0), 0));
  }

  @Test
  void nodes_afterOneLeft_onlyItsObjectsMoved() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    List<NodeRecord> before = nodes(5);
    NodeRecord gone = before.get(random.nextInt(before.size()));
    List<NodeRecord> after = new ArrayList<>(before);
    after.remove(gone);
    Ring old = new Ring(before);
    Ring next = new Ring(after);
    for (int i = 0; i < 10_000; i++) {
      VdiId vid = new VdiId(1 + random.nextInt(0xFFFFFE));
      ObjectId oid = ObjectId.data(vid, random.nextInt(1 << 20));
      List<NodeRecord> stay = new ArrayList<>(old.nodes(oid, 3));
      stay.remove(gone);
      assertEquals(stay, next.nodes(oid, 3).subList(0, stay.size()), () -> oid + ", seed " + seed);
    }
  }
}
