package io.sheepfs.sbd.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelFuture;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.timeout.IdleStateEvent;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.codec.ByteBudget;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Conversations that were right, with bytes changed, lost, doubled and made up, in pieces of any
 * size, to a server without threads: it neither fails, nor takes more memory than its limits, nor
 * keeps anything. {@code -Dsheepfs.nbd.fuzz.bytes} makes it longer.
 */
@Timeout(value = 3, unit = TimeUnit.HOURS)
class HostileBytesFuzzTest {

  private static final long BYTES = Long.getLong("sheepfs.nbd.fuzz.bytes", 10_000_000);
  private static final long SEED = Long.getLong("sheepfs.nbd.fuzz.seed", 20141121);
  private static final int PAYLOAD_BYTES = 1 << 18;
  private static final long DISK_BYTES = 3 << 20;
  private static final List<Option> OPTIONS = List.of(Option.values());
  private static final List<Command> COMMANDS = List.of(Command.values());
  private static final VdiName DISK = new VdiName("disk");

  /** The requests' own budget, and what one piece of input and its answers can be. */
  private static final long MOST_BYTES = 4L * PAYLOAD_BYTES + (2 << 20);

  private static final ServerLimits LIMITS =
      ServerLimits.DEFAULTS
          .withBudgets(PAYLOAD_BYTES, 2L * PAYLOAD_BYTES, 2L * PAYLOAD_BYTES)
          .withTimeouts(Duration.ofHours(1), Duration.ofHours(1));

  private final MemoryCluster cluster = new MemoryCluster(20);
  private final Deque<Runnable> work = new ArrayDeque<>();
  private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
  private final Exports exports = new Exports(cluster, false, "disk");
  private final ByteBudget budget = new ByteBudget(LIMITS.maxTotalBytes());
  private final ServerCore core =
      new ServerCore(exports, LIMITS, budget, work::add, true, null, null);

  @Test
  void conversation_mutated_neitherFailsNorKeepsAnything() throws Exception {
    cluster.vdis().create(DISK, VdiSpec.ofSize(DISK_BYTES));
    cluster.vdis().snapshot(DISK, new SnapshotTag("tag"));
    long fed = 0;
    long transmissions = 0;
    for (long round = 0; fed < BYTES; round++) {
      Random random = new Random(SEED + round);
      byte[] bytes = mutated(conversation(random), random);
      try {
        transmissions += converse(bytes, random) ? 1 : 0;
      } catch (RuntimeException | AssertionError e) {
        throw new AssertionError("-Dsheepfs.nbd.fuzz.seed=" + (SEED + round), e);
      }
      fed += bytes.length;
    }
    assertTrue(transmissions > 0, "none was good enough to reach the requests");
    Volume.open(cluster.newSession(), DISK, Access.READ_WRITE).close();
  }

  /** Returns whether it came to requests. */
  private boolean converse(byte[] bytes, Random random) {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.config().setAllocator(allocator);
    channel.pipeline().addLast(new Negotiation(core));
    boolean transmits = false;
    for (int at = 0; at < bytes.length && channel.isOpen(); ) {
      int piece = Math.min(bytes.length - at, 1 + random.nextInt(random.nextBoolean() ? 40 : 9000));
      if (channel.config().isAutoRead()) {
        channel.writeInbound(Unpooled.copiedBuffer(bytes, at, piece));
        at += piece;
      } else {
        assertTrue(!work.isEmpty(), "it does not read, and nothing is under way");
      }
      work(channel, random.nextInt(3));
      transmits |= channel.pipeline().get(Transmission.class) != null;
      discardAnswers(channel);
      long used = allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
      assertTrue(used <= MOST_BYTES, () -> "uses " + used);
    }
    if (random.nextBoolean()) {
      channel.pipeline().fireUserEventTriggered(IdleStateEvent.READER_IDLE_STATE_EVENT);
    }
    ChannelFuture unused = channel.close();
    work(channel, Integer.MAX_VALUE);
    discardAnswers(channel);
    channel.checkException();
    assertEquals(0, budget.usedBytes());
    assertEquals(0, allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory());
    return transmits;
  }

  private void work(EmbeddedChannel channel, int most) {
    for (int i = 0; i < most && !work.isEmpty(); i++) {
      work.remove().run();
      channel.runPendingTasks();
    }
  }

  private static void discardAnswers(EmbeddedChannel channel) {
    for (ByteBuf answer = channel.readOutbound(); answer != null; ) {
      answer.release();
      answer = channel.readOutbound();
    }
  }

  private static byte[] conversation(Random random) {
    ByteBuffer out = ByteBuffer.allocate(1 << 20);
    out.putInt(random.nextInt(4));
    String export = random.nextInt(4) == 0 ? "disk@tag" : "disk";
    for (int i = random.nextInt(5); i > 0; i--) {
      Option option = OPTIONS.get(random.nextInt(OPTIONS.size()));
      if (option != Option.EXPORT_NAME && option != Option.ABORT && option != Option.GO) {
        option(out, option, export);
      }
    }
    if (random.nextBoolean()) {
      option(out, Option.STRUCTURED_REPLY, export);
      option(out, Option.SET_META_CONTEXT, export);
    }
    option(out, random.nextInt(4) == 0 ? Option.EXPORT_NAME : Option.GO, export);
    for (int i = random.nextInt(30); i > 0; i--) {
      request(out, random);
    }
    byte[] bytes = new byte[out.flip().remaining()];
    out.get(bytes);
    return bytes;
  }

  private static void option(ByteBuffer out, Option option, String export) {
    byte[] data =
        switch (option) {
          case INFO, GO -> NbdClient.useData(export);
          case LIST_META_CONTEXT, SET_META_CONTEXT ->
              NbdClient.contextData(export, "base:allocation");
          case EXPORT_NAME -> export.getBytes(java.nio.charset.StandardCharsets.UTF_8);
          case ABORT, LIST, STARTTLS, STRUCTURED_REPLY -> new byte[0];
        };
    out.putLong(Wire.OPTION_MAGIC).putInt(option.code()).putInt(data.length).put(data);
  }

  private static void request(ByteBuffer out, Random random) {
    Command command = COMMANDS.get(random.nextInt(COMMANDS.size()));
    if (command == Command.DISCONNECT && random.nextInt(10) > 0) {
      command = Command.WRITE;
    }
    int length = random.nextInt(random.nextInt(5) == 0 ? 30_000 : 600);
    out.putInt(Wire.REQUEST_MAGIC).putShort((short) (random.nextInt(4) == 0 ? Wire.FUA : 0));
    out.putShort((short) command.code()).putLong(random.nextLong());
    out.putLong((long) (random.nextDouble() * DISK_BYTES)).putInt(length);
    if (command == Command.WRITE) {
      byte[] payload = new byte[length];
      random.nextBytes(payload);
      out.put(payload);
    }
  }

  private static byte[] mutated(byte[] bytes, Random random) {
    byte[] result = bytes.clone();
    for (int i = random.nextInt(6); i > 0 && result.length > 0; i--) {
      int at = random.nextInt(result.length);
      switch (random.nextInt(5)) {
        case 0 -> result[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> result[at] = (byte) random.nextInt(256);
        case 2 -> {
          for (int j = at; j < Math.min(result.length, at + 8); j++) {
            result[j] = (byte) (random.nextBoolean() ? 0xFF : 0);
          }
        }
        case 3 -> result = moved(result, at, Math.min(result.length, at + random.nextInt(40)));
        default -> result = moved(result, at, Math.max(0, at - random.nextInt(40)));
      }
    }
    return result;
  }

  /** The bytes before {@code to}, then those behind {@code from}: some are lost, or doubled. */
  private static byte[] moved(byte[] bytes, int to, int from) {
    ByteBuffer out = ByteBuffer.allocate(to + bytes.length - from);
    return out.put(bytes, 0, to).put(bytes, from, bytes.length - from).array();
  }
}
