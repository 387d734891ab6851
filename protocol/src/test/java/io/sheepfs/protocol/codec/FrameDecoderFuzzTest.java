package io.sheepfs.protocol.codec;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelInboundHandler;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.TooLongFrameException;
import io.sheepfs.protocol.RecordedMessage;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Recorded messages with bytes changed, cut and joined: decoders refuse them or take them, and
 * nothing else. Run again with {@code -Dfuzz.seed=N}.
 */
class FrameDecoderFuzzTest {

  private static final int ROUNDS = 20_000;
  private static final int MAX_BODY_BYTES = 1 << 16;

  private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
  private final Random random = new Random(seed);

  @Test
  void frames_mutated_takenOrRefused() throws IOException {
    List<RecordedMessage> messages = RecordedMessage.all();
    for (int round = 0; round < ROUNDS; round++) {
      RecordedMessage message = messages.get(random.nextInt(messages.size()));
      ByteBuf bytes = mutated(message);
      ChannelInboundHandler decoder =
          message.request()
              ? new RequestDecoder(MAX_BODY_BYTES)
              : new ResponseDecoder(MAX_BODY_BYTES);
      EmbeddedChannel channel = new EmbeddedChannel(decoder);
      try {
        while (bytes.isReadable()) {
          int length = 1 + random.nextInt(bytes.readableBytes());
          channel.writeInbound(bytes.readBytes(length));
        }
        assertTrue(channel.isActive(), () -> "seed " + seed);
      } catch (TooLongFrameException e) {
        assertFalse(channel.isActive(), () -> "seed " + seed);
      } catch (RuntimeException e) {
        throw new AssertionError("seed " + seed + ": " + message, e);
      } finally {
        bytes.release();
        channel.finishAndReleaseAll();
      }
    }
  }

  private ByteBuf mutated(RecordedMessage message) {
    byte[] body = message.bodyLength() > MAX_BODY_BYTES ? message.body() : message.paddedBody();
    byte[] all = Arrays.copyOf(message.header(), message.header().length + body.length);
    System.arraycopy(body, 0, all, message.header().length, body.length);
    flip(all);
    return Unpooled.copiedBuffer(all, 0, 1 + random.nextInt(all.length));
  }

  private void flip(byte[] bytes) {
    for (int i = random.nextInt(6); i > 0; i--) {
      int at = random.nextInt(random.nextBoolean() ? Math.min(48, bytes.length) : bytes.length);
      bytes[at] = (byte) random.nextInt(256);
    }
  }
}
