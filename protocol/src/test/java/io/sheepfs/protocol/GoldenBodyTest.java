package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Every body of the recordings, decoded and encoded again. A message that no decoder knows fails
 * the test.
 */
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
    int messages = checked.values().stream().mapToInt(Integer::intValue).sum();
    assertTrue(messages >= 900, checked::toString);
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
    if (message.bodyLength() == 0) {
      return;
    }
    byte[] body = message.paddedBody();
    boolean whole = sha256(body).equals(message.bodySha256());
    ByteBuffer source = ByteBuffer.wrap(body);
    int version = release09 ? Opcode.INTERNAL_VERSION_0_9 : Opcode.INTERNAL_VERSION;
    ByteBuffer again =
        message.request()
            ? encodeRequest(message, source, request)
            : encode(message, source, version, request);
    byte[] encoded = new byte[again.remaining()];
    again.get(encoded);
    byte[] expected = masked(message, body, request);
    if (!whole || again.limit() < body.length) {
      // what comes behind the start was not recorded, or is no structure
      int length = Math.min(message.body().length, encoded.length);
      assertTrue(length >= Math.min(512, body.length), message::toString);
      encoded = Arrays.copyOf(encoded, length);
      expected = Arrays.copyOf(expected, length);
    }
    assertArrayEquals(expected, encoded, message::toString);
    checked.merge(message.op(), 1, Integer::sum);
  }

  /** Fails for a body that nobody knows, but for what is an object's content. */
  private static ByteBuffer encodeRequest(
      RecordedMessage message, ByteBuffer body, RequestHeader request) {
    return switch (message.op()) {
      case "NEW_VDI", "GET_VDI_INFO", "LOCK_VDI", "DEL_VDI" -> names(message, body);
      case "GET_VDI_ATTR" -> VdiAttribute.decode(body).encode();
      case "CREATE_AND_WRITE_OBJ", "CREATE_AND_WRITE_PEER", "WRITE_OBJ", "WRITE_PEER" ->
          content(body, request);
      case "OIDS_EXIST" -> oids(body);
      case "MAKE_FS", "RELEASE_VDI" -> text(body);
      default -> throw new AssertionError("nobody decodes " + message);
    };
  }

  /** Some of the probes by hand have names of another length, which are refused. */
  private static ByteBuffer names(RecordedMessage message, ByteBuffer body) {
    try {
      return VdiNameRecord.decode(body.duplicate()).encode();
    } catch (IllegalArgumentException e) {
      assertTrue(message.source().contains("raw-probes"), message::toString);
      return body;
    }
  }

  /** Of an inode the header is a structure; all else is the user's. */
  private static ByteBuffer content(ByteBuffer body, RequestHeader request) {
    RequestFields.Obj fields = request.obj();
    boolean isInode = (fields.oid() >>> 56) == 0x80;
    if (!isInode || fields.offset() != 0 || body.remaining() < InodeLayout.HEADER_BYTES) {
      return body;
    }
    return InodeHeader.decode(body).encode();
  }

  private static ByteBuffer oids(ByteBuffer body) {
    ByteBuffer source = body.order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer again = ByteBuffer.allocate(body.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    while (source.hasRemaining()) {
      again.putLong(new ObjectId(source.getLong()).value());
    }
    return again.flip();
  }

  private static ByteBuffer text(ByteBuffer body) {
    String text = StandardCharsets.UTF_8.decode(body).toString();
    return StandardCharsets.UTF_8.encode(text);
  }

  /**
   * Fails for a body that nobody knows, but for what is an object's content. Two counts lie behind
   * what was recorded.
   */
  private static ByteBuffer encode(
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
      case "MD_INFO" -> DiskList.decode(body.put(263_680, (byte) 1)).encode();
      case "GET_CACHE_INFO" -> ObjectCacheRecord.decode(body.put(12_304, (byte) 4)).encode();
      case "READ_VDIS", "READ_DEL_VDIS" -> VdiBitmap.decode(body).encode();
      case "GET_EPOCH" -> {
        int nodes = (body.remaining() - Long.BYTES) / NodeRecord.SIZE_BYTES;
        ByteBuffer again = ByteBuffer.allocate(body.remaining());
        again.put(NodeRecord.encodeAll(NodeRecord.decodeAll(body, nodes)));
        yield again.putLong(body.getLong()).flip(); // the time, in whatever order its bytes are
      }
      case "READ_OBJ", "READ_PEER" -> content(body, request);
      case "GET_OBJ_LIST" -> oids(body);
      case "GET_STORE_LIST" -> text(body);
      case "GET_LOGLEVEL", "GET_VNODES" -> {
        assertEquals(Integer.BYTES, Math.min(Integer.BYTES, body.remaining()), message::toString);
        yield body;
      }
      default -> throw new AssertionError("nobody decodes " + message);
    };
  }

  /** The body without the pointers that the original lets out. */
  private static byte[] masked(RecordedMessage message, byte[] body, RequestHeader request) {
    int start;
    int stride;
    int nodes;
    switch (message.op()) {
      case "GET_NODE_LIST", "GET_EPOCH" -> {
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
