package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Every header of the recordings, decoded and encoded again. */
class GoldenHeaderTest {

  @Test
  void headers_ofEveryRecordedMessage_encodeToTheSameBytes() throws IOException {
    List<RecordedMessage> messages = RecordedMessage.all();
    assertTrue(messages.size() > 2000, "only " + messages.size() + " messages");
    for (RecordedMessage message : messages) {
      ByteBuffer again = ByteBuffer.allocate(HeaderLayout.SIZE_BYTES);
      if (message.request()) {
        RequestHeader.decode(ByteBuffer.wrap(message.header())).encode(again);
      } else {
        ResponseHeader.decode(ByteBuffer.wrap(message.header())).encode(again);
      }
      assertArrayEquals(message.header(), again.array(), message::toString);
    }
  }

  @Test
  void headers_lengthsOfTheRecordings_asTheDecoderTakesThem() throws IOException {
    for (RecordedMessage message : RecordedMessage.all()) {
      ByteBuffer bytes = ByteBuffer.wrap(message.header());
      long length =
          message.request()
              ? RequestHeader.decode(bytes).bodyLength()
              : ResponseHeader.decode(bytes).dataLength();
      assertEquals(message.bodyLength(), length, message::toString);
    }
  }

  @Test
  void fields_ofEveryKnownRequest_encodeToTheSameUnion() throws IOException {
    Set<Opcode> seen = EnumSet.noneOf(Opcode.class);
    for (RecordedMessage message : RecordedMessage.all()) {
      if (!message.request()) {
        continue;
      }
      RequestHeader header = RequestHeader.decode(ByteBuffer.wrap(message.header()));
      Opcode opcode = header.opcode();
      if (opcode == null) {
        assertTrue(message.source().contains("raw-probes"), message::toString);
        continue;
      }
      seen.add(opcode);
      if (opcode == Opcode.DECREF_PEER) {
        continue; // has the number of the replica behind its fields, where obj has it
      }
      RequestFields fields = fields(opcode, header);
      assertEquals(header.union(), fields.encode(), () -> message + " " + fields);
    }
    assertTrue(seen.size() >= 42, "only " + seen);
  }

  @Test
  void results_ofEveryRecordedResponse_areInTheTable() throws IOException {
    List<String> unknown = new ArrayList<>();
    for (RecordedMessage message : RecordedMessage.all()) {
      if (!message.request()) {
        ResponseHeader header = ResponseHeader.decode(ByteBuffer.wrap(message.header()));
        assertNotNull(header.result());
        if (header.result().code() != header.resultCode()) {
          unknown.add(message + ": " + header.resultCode());
        }
      }
    }
    assertEquals(List.of(), unknown);
  }

  private static RequestFields fields(Opcode opcode, RequestHeader header) {
    return switch (opcode) {
      case NEW_VDI, LOCK_VDI, RELEASE_VDI, GET_VDI_INFO, DEL_VDI, GET_VDI_ATTR -> header.vdi();
      case MAKE_FS, STAT_CLUSTER, ALTER_CLUSTER_COPY -> header.cluster();
      case NOTIFY_VDI_ADD, ALTER_VDI_COPY -> header.vdiChange();
      case DECREF_OBJ -> header.reference();
      case REPAIR_REPLICA -> header.forward();
      case VDI_STATE_CHECKPOINT_CTL -> header.checkpoint();
      case INODE_COHERENCE -> header.coherence();
      default -> header.obj();
    };
  }
}
