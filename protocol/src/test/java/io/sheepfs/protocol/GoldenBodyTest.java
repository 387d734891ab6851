package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every body of the recordings that has a structure, decoded and encoded again. */
class GoldenBodyTest {

  /** Where a node record has pointers of the process it came from. */
  private static final int NODE_POINTER_BYTES = 24;

  @Test
  void bodies_ofEveryRecordedMessage_encodeToTheSameBytes() throws IOException {
    Map<String, Integer> checked = new HashMap<>();
    Map<Long, RequestHeader> requests = new HashMap<>();
    for (RecordedMessage message : RecordedMessage.all()) {
      ByteBuffer header = ByteBuffer.wrap(message.header());
      boolean release09 = message.source().startsWith("0.9/");
      if (message.request()) {
        RequestHeader request = RequestHeader.decode(header);
        requests.put((long) request.opcodeCode(), request);
        check(message, checked, release09, request);
      } else {
        ResponseHeader response = ResponseHeader.decode(header);
        RequestHeader request = requests.get((long) response.opcodeCode());
        check(message, checked, release09, Objects.requireNonNull(request, message::toString));
      }
    }
    assertTrue(checked.getOrDefault("GET_NODE_LIST", 0) >= 50, checked::toString);
    assertTrue(checked.getOrDefault("STAT_CLUSTER", 0) >= 50, checked::toString);
    assertTrue(checked.getOrDefault("CLUSTER_INFO", 0) >= 10, checked::toString);
    assertTrue(checked.getOrDefault("GET_VDI_COPIES", 0) >= 8, checked::toString);
    for (String once : List.of("STAT", "STAT_RECOVERY", "GET_VDI_INFO", "NEW_VDI")) {
      assertTrue(checked.containsKey(once), () -> once + " missing in " + checked);
    }
  }

  private static void check(
      RecordedMessage message,
      Map<String, Integer> checked,
      boolean release09,
      RequestHeader request) {
    if (message.bodyLength() == 0 || message.source().contains("raw-probes")) {
      return;
    }
    byte[] body = message.paddedBody();
    if (!sha256(body).equals(message.bodySha256())) {
      return; // a long body that does not end in zeros: only its start was recorded
    }
    ByteBuffer source = ByteBuffer.wrap(body);
    int version = release09 ? Opcode.INTERNAL_VERSION_0_9 : Opcode.INTERNAL_VERSION;
    ByteBuffer again =
        message.request()
            ? encodeRequest(message, source)
            : encode(message, source, version, request);
    if (again == null) {
      return;
    }
    byte[] encoded = new byte[again.remaining()];
    again.get(encoded);
    assertArrayEquals(masked(message, body, request), encoded, message::toString);
    checked.merge(message.op(), 1, Integer::sum);
  }

  private static @Nullable ByteBuffer encodeRequest(RecordedMessage message, ByteBuffer body) {
    return switch (message.op()) {
      case "NEW_VDI", "GET_VDI_INFO", "LOCK_VDI", "DEL_VDI" -> VdiNameRecord.decode(body).encode();
      case "GET_VDI_ATTR" -> VdiAttribute.decode(body).encode();
      default -> null;
    };
  }

  private static @Nullable ByteBuffer encode(
      RecordedMessage message, ByteBuffer body, int version, RequestHeader request) {
    return switch (message.op()) {
      case "GET_NODE_LIST" -> NodeRecord.encodeAll(NodeRecord.decodeAll(body));
      case "STAT_CLUSTER" -> {
        int nodes = request.cluster().nodes();
        yield EpochRecord.encodeAll(EpochRecord.decodeAll(body, nodes), nodes);
      }
      case "CLUSTER_INFO" -> ClusterRecord.decode(body).encode();
      case "GET_VDI_COPIES" ->
          VdiStateRecord.encodeAll(VdiStateRecord.decodeAll(body, version), version);
      case "STAT_RECOVERY" -> RecoveryProgress.decode(body).encode();
      case "GET_RECOVERY" -> RecoveryThrottle.decode(body).encode();
      case "STAT" -> NodeStat.decode(body).encode();
      case "MD_INFO" -> DiskList.decode(body).encode();
      case "GET_CACHE_INFO" -> ObjectCacheRecord.decode(body).encode();
      case "READ_VDIS", "READ_DEL_VDIS" -> VdiBitmap.decode(body).encode();
      default -> null;
    };
  }

  /** The body without the pointers that the original lets out. */
  private static byte[] masked(RecordedMessage message, byte[] body, RequestHeader request) {
    int start;
    int stride;
    int nodes;
    switch (message.op()) {
      case "GET_NODE_LIST" -> {
        start = 0;
        stride = body.length;
        nodes = body.length / NodeRecord.SIZE_BYTES;
      }
      case "STAT_CLUSTER" -> {
        start = EpochRecord.HEADER_BYTES;
        nodes = request.cluster().nodes();
        stride = EpochRecord.sizeBytes(nodes);
      }
      case "CLUSTER_INFO" -> {
        start = ClusterRecord.HEADER_BYTES;
        stride = body.length;
        nodes = ClusterRecord.MAX_NODES;
      }
      default -> {
        return body;
      }
    }
    byte[] masked = body.clone();
    for (int record = 0; record < body.length; record += stride) {
      for (int node = 0; node < nodes; node++) {
        int at = record + start + node * NodeRecord.SIZE_BYTES;
        Arrays.fill(masked, at, at + NODE_POINTER_BYTES, (byte) 0);
      }
    }
    return masked;
  }

  @Test
  void bitmap_ofOneVdi_asTheOriginalSentIt() throws IOException {
    ByteBuffer bitmap = VdiBitmap.of(Stream.of(new VdiId(0x7c2b25))).encode();
    byte[] bytes = new byte[bitmap.remaining()];
    bitmap.get(bytes);
    String digest = sha256(bytes);
    assertTrue(
        RecordedMessage.all().stream().anyMatch(message -> message.bodySha256().equals(digest)),
        "no recorded bitmap has the VDI 'test' alone");
  }

  @Test
  void diskList_ofFields_decodesAgain() {
    DiskList list = new DiskList(List.of(new DiskList.Disk(0, 7, 9, "/disk")));
    assertEquals(list, DiskList.decode(list.encode()));
    assertEquals(1, list.encode().get(263_680));
  }

  @Test
  void objectCache_ofTheRecording_decodes() throws IOException {
    for (RecordedMessage message : RecordedMessage.all()) {
      if (message.op().equals("GET_CACHE_INFO") && message.bodyLength() > 0) {
        ByteBuffer body = ByteBuffer.wrap(message.paddedBody());
        body.put(12_304, (byte) 4); // behind what was recorded
        ObjectCacheRecord cache = ObjectCacheRecord.decode(body);
        assertEquals(100L << 20, cache.sizeBytes());
        assertEquals(new ObjectCacheRecord.CachedVdi(0x7c2b29, 0, 2), cache.caches().get(0));
        assertEquals(cache, ObjectCacheRecord.decode(cache.encode()));
        return;
      }
    }
    throw new AssertionError("no recording of GET_CACHE_INFO");
  }

  @Test
  void attribute_ofTheRecording_hasItsObjectId() {
    VdiAttribute attribute = new VdiAttribute("test", "", 0, 0, "key1", new byte[0]);
    assertEquals("207c2b252a5a1a97", attribute.objectId().toString());
  }

  private static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
