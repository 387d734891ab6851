package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Hashes as the original computed them. */
class GoldenHashTest {

  @Test
  void fnv1a_ofNames_asTheOriginal() throws IOException {
    JsonNode names = RecordedMessage.json("/vectors/hash-golden.json").get("vdi_name_to_vid");
    for (JsonNode golden : names) {
      String name = golden.get("name").asText();
      long hash = Fnv1a.hash(name.getBytes(StandardCharsets.UTF_8));
      assertEquals(Long.parseUnsignedLong(golden.get("fnv1a").asText(), 16), hash, name);
      if (!name.isEmpty() && name.indexOf('/') < 0) {
        assertEquals(
            new VdiId(Integer.parseInt(golden.get("vid").asText(), 16)),
            VdiId.hashOf(new VdiName(name)));
      }
    }
    assertTrue(names.size() >= 8);
  }

  @Test
  void ringPosition_ofObjects_asTheOriginal() throws IOException {
    int checked = 0;
    for (JsonNode golden : RecordedMessage.json("/vectors/hash-golden.json").get("oid_hash")) {
      long oid = Long.parseUnsignedLong(golden.get("oid").asText(), 16);
      if (!ObjectId.isValid(oid)) {
        continue;
      }
      long position = Fnv1a.ringPosition(new ObjectId(oid));
      assertEquals(hex(golden, "sd_hash_oid"), position, golden::toString);
      assertEquals(hex(golden, "sd_hash_next"), Fnv1a.next(position), golden::toString);
      checked++;
    }
    assertTrue(checked >= 6, "only " + checked);
  }

  @Test
  void ringPosition_ofNodes_asTheOriginal() throws IOException {
    InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
    int checked = 0;
    for (JsonNode ring : RecordedMessage.json("/vectors/hash-golden.json").get("rings")) {
      for (JsonNode node : ring.get("node_hash")) {
        NodeId id = new NodeId(loopback, node.get("port").asInt());
        long position = Fnv1a.ringPosition(id.ringBytes());
        assertEquals(hex(node, "sd_hash_18B"), position, node::toString);
        assertEquals(hex(node, "vnode0"), Fnv1a.next(position), node::toString);
        assertEquals(hex(node, "vnode1"), Fnv1a.next(Fnv1a.next(position)), node::toString);
        checked++;
      }
    }
    assertTrue(checked >= 9, "only " + checked);
  }

  private static long hex(JsonNode node, String field) {
    return Long.parseUnsignedLong(node.get(field).asText(), 16);
  }
}
