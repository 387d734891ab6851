package io.sheepfs.protocol.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.sheepfs.protocol.FrameMutator;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecordedMessage;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A sheep that answers with nonsense: recorded answers, with bytes changed, cut, joined, to
 * requests that were made and to none. Every call ends, with an answer or a clear failure; nothing
 * is written outside of a caller's buffer; what is allocated is bounded and given back. A longer
 * campaign: {@code -Dfuzz.frames=N}; the same again: {@code -Dfuzz.seed=N}.
 */
@Timeout(value = 6, unit = TimeUnit.HOURS) // for campaigns by hand
final class HostileSheepFuzzTest {

  private static final int FRAMES = Integer.getInteger("fuzz.frames", 900_000);
  private static final int MAX_BODY_BYTES = 1 << 14;
  private static final int GUARD_BYTES = 64;
  private static final byte GUARD = 0x5a;

  /** What comes from the socket at a time, and one body that is gathered from it. */
  private static final long MAX_ALLOCATED_BYTES = 1 << 20;

  private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final FrameMutator mutator = new FrameMutator(random);
  private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
  private final List<byte[]> answers = new ArrayList<>();
  private int frames;
  private int answered;
  private int failed;

  /** A call with guards around its target. */
  private record Asked(Call call, ByteBuffer whole) {}

  @Test
  void answers_mutated_endEveryCall() throws IOException {
    for (RecordedMessage message : RecordedMessage.all()) {
      if (!message.request()) {
        answers.add(FrameMutator.frame(message, MAX_BODY_BYTES));
      }
    }
    while (frames < FRAMES) {
      try {
        oneConnection();
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ", before frame " + frames, e);
      }
    }
    System.out.printf(
        "HostileSheepFuzzTest: seed %d, %d frames, %d calls answered, %d failed%n",
        seed, frames, answered, failed);
    assertTrue(answered > FRAMES / 100, () -> "only " + answered + " answers were taken");
    assertTrue(failed > FRAMES / 100, () -> "only " + failed + " calls failed");
  }

  private void oneConnection() {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.config().setAllocator(allocator);
    Connection connection = Connection.over(channel);
    List<Asked> asked = new ArrayList<>();
    boolean hostile = true;
    for (int round = 1 + random.nextInt(8); round > 0 && hostile; round--) {
      List<byte[]> templates = new ArrayList<>();
      for (int calls = 1 + random.nextInt(3); calls > 0; calls--) {
        byte[] answer = answers.get(random.nextInt(answers.size()));
        templates.add(answer);
        asked.add(ask(connection, answer));
      }
      channel.runPendingTasks();
      List<Integer> ids = sentIds(channel);
      for (int i = 0; i < templates.size() && channel.isActive(); i++) {
        int id = i < ids.size() && random.nextInt(10) != 0 ? ids.get(i) : random.nextInt();
        receive(channel, mutator.mutated(withId(templates.get(i), id)));
      }
      hostile = channel.isActive();
    }
    if (random.nextBoolean() || !channel.isActive()) {
      // whoever waits now has an answer that is not complete: the end of its time
      connection.close();
    } else {
      channel.pipeline().fireChannelInactive();
    }
    channel.runPendingTasks();
    asked.forEach(this::checkEnded);
    try {
      channel.finishAndReleaseAll();
    } finally {
      assertEquals(0, allocated(), "bytes leaked");
    }
  }

  private Asked ask(Connection connection, byte[] answer) {
    ResponseHeader expected = ResponseHeader.decode(ByteBuffer.wrap(answer));
    Opcode opcode = Opcode.of(expected.opcodeCode());
    int room = random.nextInt(5) == 0 ? random.nextInt(MAX_BODY_BYTES) : bodyBytes(answer);
    ByteBuffer whole = ByteBuffer.allocate(room + 2 * GUARD_BYTES);
    for (int i = 0; i < whole.capacity(); i++) {
      whole.put(i, GUARD);
    }
    ByteBuffer target =
        room == 0 ? null : whole.duplicate().position(GUARD_BYTES).limit(GUARD_BYTES + room);
    ByteBuffer source = random.nextInt(3) == 0 ? ByteBuffer.allocate(random.nextInt(512)) : null;
    RequestHeader header =
        SheepClient.header(
            opcode == null ? Opcode.STAT : opcode, 0, new RequestFields.None(), source, target);
    Call call = new Call(header, source, target);
    connection.start(call);
    return new Asked(call, whole);
  }

  private static int bodyBytes(byte[] answer) {
    return answer.length - HeaderLayout.SIZE_BYTES;
  }

  private static byte[] withId(byte[] answer, int id) {
    ResponseHeader old = ResponseHeader.decode(ByteBuffer.wrap(answer));
    ByteBuffer changed = ByteBuffer.wrap(answer.clone());
    new ResponseHeader(
            old.protoVersion(),
            old.opcodeCode(),
            old.flags(),
            old.epoch(),
            id,
            bodyBytes(answer),
            old.resultCode(),
            old.union())
        .encode(changed);
    return changed.array();
  }

  /** In one piece, or in several: a part may be a byte. */
  private void receive(EmbeddedChannel channel, byte[] bytes) {
    frames++;
    int at = 0;
    while (at < bytes.length && channel.isActive()) {
      int length =
          random.nextInt(3) == 0 ? 1 + random.nextInt(bytes.length - at) : bytes.length - at;
      ByteBuf piece = channel.alloc().buffer(length).writeBytes(bytes, at, length);
      channel.writeInbound(piece);
      at += length;
      assertTrue(allocated() <= MAX_ALLOCATED_BYTES, () -> allocated() + " bytes are allocated");
    }
  }

  private long allocated() {
    return allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
  }

  private static List<Integer> sentIds(EmbeddedChannel channel) {
    List<Integer> ids = new ArrayList<>();
    for (ByteBuf sent = channel.readOutbound(); sent != null; sent = channel.readOutbound()) {
      byte[] header = new byte[HeaderLayout.SIZE_BYTES];
      sent.readBytes(header);
      sent.release();
      RequestHeader request = RequestHeader.decode(ByteBuffer.wrap(header));
      ids.add(request.id());
      if (request.bodyLength() > 0) {
        ByteBuf body = channel.readOutbound();
        assertEquals(request.bodyLength(), body.readableBytes());
        body.release();
      }
    }
    return ids;
  }

  private void checkEnded(Asked asked) {
    assertTrue(asked.call.await(0), () -> "still waits: " + asked.call.header());
    IOException failure = asked.call.failure();
    if (asked.call.response() == null) {
      failed++;
      assertNotNull(failure);
      assertFalse(String.valueOf(failure.getMessage()).isEmpty());
    } else {
      answered++;
    }
    ByteBuffer whole = asked.whole;
    for (int i = 0; i < GUARD_BYTES; i++) {
      assertEquals(GUARD, whole.get(i), "before the target");
      assertEquals(GUARD, whole.get(whole.capacity() - 1 - i), "behind the target");
    }
  }
}
