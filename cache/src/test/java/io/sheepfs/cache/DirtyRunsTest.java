package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a cache tells of its VDIs, and that dirty data can be taken out of it. */
final class DirtyRunsTest {

  private static final int BLOCK = 4096;

  private final MemoryCluster cluster = new MemoryCluster();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private @TempDir Path directory;
  private VdiId vid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    cache =
        ObjectCache.open(
            cluster.objects(),
            directory.resolve("cache"),
            "test",
            CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20),
            threads);
    for (int i = 0; i < 2; i++) {
      cache.create(ObjectId.data(vid, i), 0, filled(0, 0), Durability.STABLE);
    }
  }

  @AfterEach
  void closeCache() throws IOException {
    cache.close();
    threads.shutdownNow();
  }

  private static ByteBuffer filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void write(int index, int block, int count, int value) throws SheepException {
    cache.write(
        ObjectId.data(vid, index),
        (long) block * BLOCK,
        filled(count * BLOCK, value),
        Durability.UNSTABLE);
  }

  @Test
  void handOver_dirtyBlocks_allTakenAndForgotten() throws Exception {
    write(0, 1, 300, 1);
    write(0, 500, 1, 2);
    write(1, 0, 1, 3);
    assertEquals(List.of(new CachedVdi(vid, 2, 2, 302L * BLOCK, 302L * BLOCK)), cache.vdis());
    byte[][] taken = new byte[2][4 << 20];
    cache.handOver(
        vid, (oid, offset, bytes) -> bytes.get(taken[oid.index()], (int) offset, bytes.limit()));
    byte[][] expected = new byte[2][4 << 20];
    Arrays.fill(expected[0], BLOCK, 301 * BLOCK, (byte) 1);
    Arrays.fill(expected[0], 500 * BLOCK, 501 * BLOCK, (byte) 2);
    Arrays.fill(expected[1], 0, BLOCK, (byte) 3);
    assertArrayEquals(expected, taken);
    assertEquals(0, cache.status().dirtyBytes());
    cluster.resetCalls();
    cache.flush(vid);
    assertEquals(0, cluster.calls(Operation.WRITE));
    cache.assertInvariants();
  }

  @Test
  void handOver_refused_staysDirtyAndIsPushedLater() throws Exception {
    write(0, 1, 1, 7);
    DirtyRuns refusing =
        (oid, offset, bytes) -> {
          throw new SheepException(ResultCode.NO_SPACE, "no");
        };
    assertThrows(SheepException.class, () -> cache.handOver(vid, refusing));
    assertEquals(BLOCK, cache.status().dirtyBytes());
    cache.flush(vid);
    ByteBuffer stored = ByteBuffer.allocate(BLOCK);
    cluster.objects().read(ObjectId.data(vid, 0), BLOCK, stored);
    assertArrayEquals(filled(BLOCK, 7).array(), stored.array());
  }

  @Test
  void handOver_unknownVdi_nothing() throws Exception {
    cache.handOver(
        vid.next(),
        (oid, offset, bytes) -> {
          throw new AssertionError("nothing is dirty");
        });
  }

  /** Once it waited for the push of what it was handing over itself. */
  @Test
  void handOver_atTheDirtyLimit_takerFindsRoom() throws Exception {
    int limit = 256;
    VdiId next = cluster.vdis().create(new VdiName("next"), VdiSpec.ofSize(64L << 20)).vid();
    try (ObjectCache small =
        ObjectCache.open(
            cluster.objects(),
            directory.resolve("small"),
            "test",
            CacheOptions.defaults().withLimits(64 << 20, 0, (long) limit * BLOCK),
            Runnable::run)) {
      for (VdiId each : List.of(vid, next)) {
        small.create(ObjectId.data(each, 0), 0, filled(0, 0), Durability.STABLE);
      }
      cluster.setFault(
          Fault.failing(call -> call.operation() == Operation.FLUSH, ResultCode.NO_SPACE));
      for (int block = 0; block < limit; block++) {
        ByteBuffer bytes = filled(BLOCK, block);
        small.write(ObjectId.data(vid, 0), 2L * block * BLOCK, bytes, Durability.UNSTABLE);
      }
      assertEquals((long) limit * BLOCK, small.status().dirtyBytes());
      cluster.setFault(Fault.none());
      DirtyRuns taker =
          (oid, offset, bytes) ->
              small.write(ObjectId.data(next, 0), offset, bytes, Durability.UNSTABLE);
      assertTimeoutPreemptively(Duration.ofSeconds(60), () -> small.handOver(vid, taker));
      small.flush(next);
      small.assertInvariants();
    }
    for (int block = 0; block < limit; block++) {
      ByteBuffer stored = ByteBuffer.allocate(BLOCK);
      cluster.objects().read(ObjectId.data(next, 0), 2L * block * BLOCK, stored);
      assertArrayEquals(filled(BLOCK, block).array(), stored.array());
    }
  }
}
