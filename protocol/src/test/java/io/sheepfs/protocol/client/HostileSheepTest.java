package io.sheepfs.protocol.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.socket.DuplexChannel;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.FrameMutator;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

/**
 * A sheep that trickles, stops half way, reads nothing or sends nonsense, over real sockets. More
 * of the last: {@code -Dfuzz.calls=N}; the same again: {@code -Dfuzz.seed=N}.
 */
@Timeout(value = 6, unit = TimeUnit.HOURS) // for campaigns by hand; each call has its own time
final class HostileSheepTest {

  private static final VdiName NAME = new VdiName("disk");
  private static final int CALLS = Integer.getInteger("fuzz.calls", 200);
  private static final int THREADS = 4;
  private static final int BYTES = 5000;

  private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
  private final FakeSheep sheep = new FakeSheep(new MemoryCluster(), 0);
  private ObjectId oid = ObjectId.inode(new VdiId(1));

  @BeforeEach
  void makeDisk() throws IOException {
    try (RemoteCluster cluster = connect(60_000)) {
      VdiInfo vdi = cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      oid = ObjectId.data(vdi.vid(), 0);
      cluster.objects().create(oid, 0, ByteBuffer.allocate(BYTES), Durability.STABLE);
    }
  }

  @AfterEach
  void closeSheep() {
    sheep.close();
  }

  private RemoteCluster connect(int requestMillis) throws SheepException {
    return RemoteCluster.connect(
        List.of(sheep.address()),
        ClientOptions.DEFAULTS.withRequestTimeout(Duration.ofMillis(requestMillis)));
  }

  /** A client in a hurry, which knows the disk: it learned of it with all the time it needs. */
  private RemoteCluster connectHasty() throws IOException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (true) {
      RemoteCluster cluster = connect(300);
      try {
        cluster.vdis().lookup(NAME);
        return cluster;
      } catch (SheepException e) {
        cluster.close();
        if (System.nanoTime() > deadline) {
          throw e;
        }
      }
    }
  }

  private static void send(Channel channel, byte[] bytes) {
    channel.writeAndFlush(Unpooled.wrappedBuffer(bytes)).addListener(sent -> {});
  }

  private ByteBuffer read(RemoteCluster cluster) throws SheepException {
    ByteBuffer target = ByteBuffer.allocateDirect(BYTES);
    cluster.objects().read(oid, 0, target);
    return target.flip();
  }

  @Test
  void answer_byteByByte_isTaken() throws IOException {
    try (RemoteCluster cluster = connect(60_000)) {
      sheep.tamper(
          (channel, answer) -> {
            for (byte one : answer) {
              send(channel, new byte[] {one});
            }
          });
      assertEquals(BYTES, read(cluster).remaining());
      assertEquals(NAME, cluster.vdis().lookup(NAME).name());
    }
  }

  /** What an answer of 5000 bytes becomes when zeros are left out at both ends. */
  private static byte[] trimmed(byte[] answer, long leadingZeros, int kept) {
    ByteBuffer bytes = ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN);
    int header = answer.length - BYTES;
    if (header <= 0) {
      return answer; // no READ_OBJ
    }
    bytes.putInt(12, kept).putLong(24, leadingZeros);
    byte[] shorter = Arrays.copyOf(answer, header + kept);
    Arrays.fill(shorter, header, shorter.length, (byte) 7);
    return shorter;
  }

  @Test
  void answer_withoutItsZeros_isExpanded() throws IOException {
    try (RemoteCluster cluster = connect(60_000)) {
      cluster.vdis().lookup(NAME);
      for (int[] form :
          new int[][] {{0, 100}, {100, 200}, {4900, 100}, {3, 4997}, {0, 0}, {9, 0}}) {
        sheep.tamper((channel, answer) -> send(channel, trimmed(answer, form[0], form[1])));
        ByteBuffer target = ByteBuffer.allocateDirect(BYTES);
        for (int at = 0; at < BYTES; at++) {
          target.put(at, (byte) 0x55);
        }
        cluster.objects().read(oid, 0, target);
        for (int at = 0; at < BYTES; at++) {
          byte expected = (byte) (at >= form[0] && at < form[0] + form[1] ? 7 : 0);
          assertEquals(expected, target.get(at), "at " + at + " of " + Arrays.toString(form));
        }
        assertEquals(0, target.remaining());
      }
    }
  }

  @Test
  void answer_shorterThanItsPlaceAllows_isAnError() throws IOException {
    try (RemoteCluster cluster = connect(60_000)) {
      cluster.vdis().lookup(NAME);
      for (long leading : new long[] {4901, -1, Long.MAX_VALUE, 1L << 32}) {
        sheep.tamper((channel, answer) -> send(channel, trimmed(answer, leading, 100)));
        SheepException failure = assertThrows(SheepException.class, () -> read(cluster));
        assertEquals(ResultCode.EIO, failure.result(), failure::toString);
      }
    }
  }

  @Test
  void answer_stopsHalfWay_failsWhenItsTimeIsUp() throws IOException {
    for (int cut : new int[] {1, 47, 48, 49, BYTES}) {
      try (RemoteCluster cluster = connectHasty()) {
        sheep.tamper((channel, answer) -> send(channel, Arrays.copyOf(answer, cut)));
        assertNetworkError(() -> read(cluster));
      } finally {
        sheep.tamper(null);
      }
    }
  }

  @Test
  void answer_connectionHalfClosedHalfWay_isAskedForAgain() throws IOException {
    try (RemoteCluster cluster = connect(60_000)) {
      AtomicInteger answers = new AtomicInteger();
      sheep.tamper(
          (channel, answer) -> {
            boolean first = answers.getAndIncrement() == 0;
            send(channel, first ? Arrays.copyOf(answer, answer.length / 2) : answer);
            if (first) {
              ((DuplexChannel) channel).shutdownOutput().addListener(closed -> {});
            }
          });
      assertEquals(BYTES, read(cluster).remaining());
      assertTrue(answers.get() >= 2);
    }
  }

  @Test
  void answer_connectionHalfClosedEveryTime_failsWhenItsTimeIsUp() throws IOException {
    try (RemoteCluster cluster = connect(300)) {
      sheep.tamper(
          (channel, answer) ->
              ((DuplexChannel) channel).shutdownOutput().addListener(closed -> {}));
      assertNetworkError(() -> read(cluster));
    }
  }

  @Test
  void request_nobodyReadsIt_failsWhenItsTimeIsUp() throws IOException {
    try (RemoteCluster cluster = connectHasty()) {
      sheep.tamper((channel, answer) -> channel.config().setAutoRead(false));
      ByteBuffer much = ByteBuffer.allocateDirect(1 << 22);
      assertNetworkError(
          () -> {
            while (true) {
              cluster.objects().write(oid, 0, much.clear(), Durability.UNSTABLE);
            }
          });
    }
  }

  private static void assertNetworkError(Executable call) {
    SheepException failure = assertThrows(SheepException.class, call);
    assertEquals(ResultCode.NETWORK_ERROR, failure.result(), failure::toString);
  }

  /** Whatever comes, a call ends, with an answer or as one that failed; the caller sees no bug. */
  @Test
  void answers_mutated_callsSucceedOrFail() throws Exception {
    FrameMutator mutator = new FrameMutator(new Random(seed));
    AtomicInteger failures = new AtomicInteger();
    sheep.tamper(
        (channel, answer) -> {
          byte[] sent = mutator.mutated(answer);
          send(channel, sent);
          if (!Arrays.equals(sent, answer)) {
            channel.close().addListener(closed -> {}); // else it waits for what was cut off
          }
        });
    ExecutorService threads = Executors.newFixedThreadPool(THREADS);
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      Random random = new Random(seed + i);
      running.add(threads.submit(() -> callMany(random, failures)));
    }
    threads.shutdown();
    try {
      for (Future<?> one : running) {
        one.get();
      }
    } catch (ExecutionException e) {
      throw new AssertionError("seed " + seed, e);
    }
    System.out.printf(
        "HostileSheepTest: seed %d, %d calls, %d failed%n", seed, CALLS, failures.get());
    assertTrue(failures.get() > 0, "nothing failed");
    sheep.tamper(null);
    try (RemoteCluster cluster = connect(60_000)) {
      assertEquals(BYTES, read(cluster).remaining());
    }
  }

  private Void callMany(Random random, AtomicInteger failures) throws IOException {
    for (int calls = 0; calls < CALLS / THREADS; ) {
      try (RemoteCluster cluster = connect(50)) {
        for (int here = 0; here < 10; here++, calls++) {
          try {
            call(cluster, random.nextInt(9));
          } catch (SheepException e) {
            failures.incrementAndGet();
            assertTrue(String.valueOf(e.getMessage()).length() > 5);
          }
        }
      }
    }
    return null;
  }

  private void call(RemoteCluster cluster, int kind) throws IOException {
    switch (kind) {
      case 0 -> cluster.nodes();
      case 1 -> cluster.info();
      case 2 -> cluster.space();
      case 3 -> cluster.vdis().list();
      case 4 -> cluster.vdis().lookup(NAME);
      case 5 -> cluster.objects().write(oid, 7, ByteBuffer.allocate(9), Durability.STABLE);
      case 6 -> cluster.objects().flush(oid.vid());
      case 7 -> {
        try (VdiLock lock = cluster.vdis().lock(NAME)) {
          lock.isHeld();
        }
      }
      default -> read(cluster);
    }
  }
}
