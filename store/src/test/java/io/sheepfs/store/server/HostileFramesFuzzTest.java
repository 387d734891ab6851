package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.common.jimfs.Configuration;
import com.google.common.jimfs.Jimfs;
import com.google.common.util.concurrent.MoreExecutors;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.embedded.EmbeddedChannel;
import io.sheepfs.protocol.FrameMutator;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.RecordedMessage;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Recorded requests with bytes changed, cut and joined, through the server's whole pipeline, but
 * without a socket: by the million. What the server sends are answers; what it allocates stays
 * within its budget and is given back. A longer campaign: {@code -Dfuzz.frames=N}; the same again:
 * {@code -Dfuzz.seed=N}.
 */
@Timeout(value = 6, unit = TimeUnit.HOURS) // for campaigns by hand
final class HostileFramesFuzzTest {

  private static final int FRAMES = Integer.getInteger("fuzz.frames", 80_000);
  private static final int FRAMES_PER_STORE = 2_000;
  private static final int MAX_BODY_BYTES = 1 << 16;
  private static final long MAX_TOTAL_BYTES = 1 << 20;

  /** A body and its answer, and what came with them in one piece. */
  private static final long MAX_ALLOCATED_BYTES = 2 * MAX_TOTAL_BYTES;

  private static final ServerOptions OPTIONS =
      new ServerOptions(
          1,
          16,
          16,
          MAX_BODY_BYTES,
          2L * MAX_BODY_BYTES,
          MAX_TOTAL_BYTES,
          Duration.ofHours(1),
          Duration.ofSeconds(10),
          null,
          null);

  private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final FrameMutator mutator = new FrameMutator(random);
  private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
  private final ExecutorService here = MoreExecutors.newDirectExecutorService();
  private List<byte[]> requests = List.of();
  private int frames;
  private int answers;
  private int refused;

  @Test
  void requests_mutated_areAnsweredOrRefused() throws IOException {
    requests =
        RecordedMessage.all().stream()
            .filter(RecordedMessage::request)
            .map(message -> FrameMutator.frame(message, MAX_BODY_BYTES))
            .toList();
    while (frames < FRAMES) {
      try {
        oneStore(frames + FRAMES_PER_STORE);
      } catch (IOException | RuntimeException | AssertionError e) {
        throw new AssertionError("seed " + seed + ", before frame " + frames, e);
      }
    }
    System.out.printf(
        "HostileFramesFuzzTest: seed %d, %d frames, %d answers, %d connections refused%n",
        seed, frames, answers, refused);
    assertTrue(answers > FRAMES / 3, () -> "only " + answers + " answers");
    assertTrue(refused > FRAMES / 2000, () -> "only " + refused + " refused");
  }

  private void oneStore(int end) throws IOException {
    try (FileSystem memory =
            Jimfs.newFileSystem(
                Configuration.unix().toBuilder().setAttributeViews("basic", "posix").build());
        LocalSheep sheep =
            LocalSheep.open(memory.getPath("/store"), LocalSheepOptions.defaults())) {
      ServerCore core = new ServerCore(sheep, OPTIONS, Lanes.single(here, OPTIONS), null, () -> {});
      while (frames < end) {
        oneConnection(core);
        assertEquals(0, core.lanes().usedBytes(), "bytes of the budget");
        assertEquals(0, allocated(), "bytes leaked");
      }
    }
  }

  private void oneConnection(ServerCore core) {
    EmbeddedChannel channel = new EmbeddedChannel();
    channel.config().setAllocator(allocator);
    Traffic traffic = new Traffic();
    ClientConnection connection = new ClientConnection(core, traffic);
    assertTrue(core.connected(connection));
    SheepServer.install(channel, connection, traffic, OPTIONS);
    for (int left = 1 + random.nextInt(40); left > 0 && channel.isActive(); left--) {
      receive(channel, mutator.mutated(requests.get(random.nextInt(requests.size()))));
      checkAnswers(channel);
    }
    if (!channel.isActive()) {
      refused++;
    }
    channel.finishAndReleaseAll();
  }

  private void receive(EmbeddedChannel channel, byte[] bytes) {
    frames++;
    int at = 0;
    while (at < bytes.length && channel.isActive()) {
      int length =
          random.nextInt(3) == 0 ? 1 + random.nextInt(bytes.length - at) : bytes.length - at;
      channel.writeInbound(allocator.buffer(length).writeBytes(bytes, at, length));
      at += length;
      channel.runPendingTasks();
      assertTrue(allocated() <= MAX_ALLOCATED_BYTES, () -> allocated() + " bytes are allocated");
    }
  }

  private void checkAnswers(EmbeddedChannel channel) {
    for (ByteBuf header = channel.readOutbound(); header != null; ) {
      assertEquals(HeaderLayout.SIZE_BYTES, header.readableBytes());
      byte[] bytes = new byte[HeaderLayout.SIZE_BYTES];
      header.readBytes(bytes);
      header.release();
      ResponseHeader answer = ResponseHeader.decode(ByteBuffer.wrap(bytes));
      answers++;
      if (answer.dataLength() > 0) {
        ByteBuf body = channel.readOutbound();
        assertEquals(answer.dataLength(), body.readableBytes());
        body.release();
      }
      header = channel.readOutbound();
    }
  }

  private long allocated() {
    return allocator.metric().usedDirectMemory() + allocator.metric().usedHeapMemory();
  }
}
