package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ClusterRecord;
import io.sheepfs.protocol.DiskList;
import io.sheepfs.protocol.EpochRecord;
import io.sheepfs.protocol.FrameMutator;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.NodeStat;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecordedMessage;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What the original's dog, sheepfs and a client by hand sent to an original sheep of release 1.0,
 * in the same order to ours. The answers are compared field by field, but for what is the node's
 * own: addresses, times, sizes of the disk, counters, and digests of what has times in it.
 */
@Timeout(value = 300, unit = TimeUnit.SECONDS)
final class ReplayTest {

  private static final int FULL_BODY = 16 << 20;
  private static final int INODE = 0x80;

  /**
   * Recordings 55 to 67 build on snapshots whose making was not recorded; 52 to 54 are about
   * hypervolumes, which our sheep refuses.
   */
  private static final Pattern REPLAYED = Pattern.compile("1\\.0/([0-4]\\d|5[01]|8\\d|9\\d)-.*");

  private final List<String> differences = new ArrayList<>();
  private int compared;

  @Test
  void recordedRequests_answersAreTheOriginals() throws IOException {
    try (ServedStore store = new ServedStore(false, ServerOptions.DEFAULTS)) {
      for (List<RecordedMessage> recording : recordings().values()) {
        replay(store, recording);
      }
    }
    assertEquals("", String.join("\n", differences));
    assertTrue(compared >= 200, () -> "only " + compared);
  }

  private static Map<String, List<RecordedMessage>> recordings() throws IOException {
    Map<String, List<RecordedMessage>> recordings = new TreeMap<>();
    for (RecordedMessage message : RecordedMessage.all()) {
      if (REPLAYED.matcher(message.source()).matches() && !message.peer()) {
        String recording = message.source().substring(0, message.source().indexOf('#'));
        recordings.computeIfAbsent(recording, name -> new ArrayList<>()).add(message);
      }
    }
    return recordings;
  }

  private void replay(ServedStore store, List<RecordedMessage> recording) throws IOException {
    Map<Integer, Socket> sockets = new HashMap<>();
    try {
      for (int i = 0; i < recording.size(); i++) {
        RecordedMessage request = recording.get(i);
        if (!request.request() || isCutOff(request)) {
          continue;
        }
        RecordedMessage answer = answer(recording, i);
        Socket socket = sockets.get(request.connection());
        if (socket == null) {
          socket = new Socket(store.address().getAddress(), store.address().getPort());
          socket.setSoTimeout(60_000);
          sockets.put(request.connection(), socket);
        }
        socket.getOutputStream().write(FrameMutator.frame(request, FULL_BODY));
        byte[] header = socket.getInputStream().readNBytes(HeaderLayout.SIZE_BYTES);
        ResponseHeader ours = ResponseHeader.decode(ByteBuffer.wrap(header));
        byte[] body = socket.getInputStream().readNBytes((int) ours.dataLength());
        compare(request, answer, ours, body);
      }
    } finally {
      for (Socket socket : sockets.values()) {
        socket.close();
      }
    }
  }

  private static RecordedMessage answer(List<RecordedMessage> recording, int request) {
    RecordedMessage asked = recording.get(request);
    int id = RequestHeader.decode(ByteBuffer.wrap(asked.header())).id();
    for (RecordedMessage message : recording.subList(request + 1, recording.size())) {
      if (!message.request()
          && message.connection() == asked.connection()
          && ResponseHeader.decode(ByteBuffer.wrap(message.header())).id() == id) {
        return message;
      }
    }
    throw new AssertionError("no answer to " + asked);
  }

  /**
   * Of these the part that matters was not recorded: the size of a VDI, the name of an attribute.
   */
  private static boolean isCutOff(RecordedMessage request) {
    RequestHeader header = RequestHeader.decode(ByteBuffer.wrap(request.header()));
    return switch (request.op()) {
      case "GET_VDI_ATTR" -> true;
      case "WRITE_OBJ" ->
          kind(header) == INODE && header.obj().offset() == 0 && request.bodyLength() > 4096;
      case "READ_OBJ" -> kind(header) == 0x20;
      default -> false;
    };
  }

  private static int kind(RequestHeader header) {
    return (int) (header.obj().oid() >>> 56);
  }

  private void compare(
      RecordedMessage request, RecordedMessage answer, ResponseHeader ours, byte[] body) {
    compared++;
    ResponseHeader theirs = ResponseHeader.decode(ByteBuffer.wrap(answer.header()));
    RequestHeader header = RequestHeader.decode(ByteBuffer.wrap(request.header()));
    differ(request, "result", theirs.result(), ours.result());
    if (theirs.result() != ours.result()) {
      return;
    }
    differ(request, "length", theirs.dataLength(), ours.dataLength());
    differ(request, "epoch", theirs.epoch(), ours.epoch());
    if (!hasOwnFields(header, ours)) {
      differ(request, "fields", theirs.union(), ours.union());
    }
    if (theirs.dataLength() == ours.dataLength() && ours.dataLength() > 0) {
      compareBodies(request, header, answer, body);
    }
  }

  /** Sizes of the disk; a digest of times; and on a failure the original sends what lay about. */
  private static boolean hasOwnFields(RequestHeader request, ResponseHeader ours) {
    return request.opcode() == Opcode.STAT_SHEEP
        || (request.opcode() == Opcode.GET_HASH && kind(request) == INODE)
        || (request.opcode() == Opcode.NEW_VDI && ours.result() != ResultCode.SUCCESS);
  }

  private void compareBodies(
      RecordedMessage request, RequestHeader header, RecordedMessage answer, byte[] body) {
    ByteBuffer ours = ByteBuffer.wrap(body);
    ByteBuffer theirs = ByteBuffer.wrap(answer.paddedBody());
    switch (request.op()) {
      case "GET_NODE_LIST" ->
          differ(
              request,
              "virtual nodes",
              NodeRecord.decodeAll(theirs).stream().map(NodeRecord::virtualNodes).toList(),
              NodeRecord.decodeAll(ours).stream().map(NodeRecord::virtualNodes).toList());
      case "STAT_CLUSTER" -> {
        int room = header.cluster().nodes();
        differ(request, "epochs", epochs(theirs, room), epochs(ours, room));
      }
      case "CLUSTER_INFO" -> differ(request, "cluster", cluster(theirs), cluster(ours));
      case "MD_INFO" -> {
        theirs.put(263_680, (byte) 1); // the number of disks was not recorded
        differ(
            request,
            "disks",
            DiskList.decode(theirs).disks().size(),
            DiskList.decode(ours).disks().size());
      }
      case "STAT" -> NodeStat.decode(ours); // its counters are those of the node's life
      default -> {
        byte[] start = Arrays.copyOf(body, answer.body().length);
        byte[] expected = answer.body().clone();
        if (header.opcode() == Opcode.READ_OBJ && kind(header) == INODE) {
          hideTimes(start, header.obj().offset());
          hideTimes(expected, header.obj().offset());
        }
        differ(
            request, "body", HexFormat.of().formatHex(expected), HexFormat.of().formatHex(start));
      }
    }
  }

  private static void hideTimes(byte[] part, long offset) {
    for (int at = 0; at < part.length; at++) {
      if (offset + at >= 512 && offset + at < 528) {
        part[at] = 0;
      }
    }
  }

  private static List<String> epochs(ByteBuffer body, int room) {
    return EpochRecord.decodeAll(body, room).stream()
        .map(
            record ->
                record.epoch()
                    + " "
                    + record.copies()
                    + " "
                    + record.flags()
                    + " "
                    + record.nodes().size())
        .toList();
  }

  private static List<Object> cluster(ByteBuffer body) {
    ClusterRecord record = ClusterRecord.decode(body);
    return List.of(
        record.protoVersion(),
        record.epoch(),
        record.flags(),
        record.copies(),
        record.copyPolicy(),
        record.status(),
        record.blockSizeShift(),
        record.defaultStore(),
        record.nodes().size());
  }

  private void differ(RecordedMessage request, String what, Object theirs, Object ours) {
    if (!theirs.equals(ours)) {
      differences.add(request + ": " + what + " " + ours + ", the original's " + theirs);
    }
  }
}
