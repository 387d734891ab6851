package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a cache asks of the store, and that many threads may use it. */
final class CacheTrafficTest {

  private static final int BLOCK = 4096;

  private final MemoryCluster cluster = new MemoryCluster();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private @TempDir Path directory;
  private VdiId vid;
  private ObjectId oid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    oid = ObjectId.data(vid, 0);
    cache = open();
    cache.create(oid, 0, ByteBuffer.allocate(0), Durability.STABLE);
    cluster.resetCalls();
  }

  private ObjectCache open() throws IOException {
    CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
    return ObjectCache.open(
        cluster.objects(), directory.resolve("cache"), "test", options, threads);
  }

  @AfterEach
  void closeCache() throws IOException {
    cache.close();
    threads.shutdownNow();
  }

  private void write(int block, int value) throws SheepException {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    cache.write(oid, (long) block * BLOCK, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
  }

  @Test
  void write_alignedBlocks_asksNothingUntilFlush() throws Exception {
    Random random = new Random(1);
    for (int i = 0; i < 200; i++) {
      write(random.nextInt(1024), i);
    }
    assertEquals(0, cluster.calls());
    long dirty = cache.status().dirtyBytes();
    cache.flush(vid);
    assertEquals(0, cluster.calls(Operation.READ));
    assertEquals(1, cluster.calls(Operation.FLUSH));
    assertTrue(cache.status().pushedBytes() <= dirty * 1.1);
    assertEquals(0, cache.status().dirtyBytes());
    cluster.resetCalls();
    write(7, 7);
    cache.flush(vid);
    assertEquals(2, cluster.calls(), "one push and one flush");
  }

  @Test
  void read_coldBlock_fetchesOneUnitOnce() throws Exception {
    cache.flush(vid);
    cluster.resetCalls();
    cache.read(oid, 100L * BLOCK, ByteBuffer.allocate(BLOCK));
    cache.read(oid, 101L * BLOCK, ByteBuffer.allocate(BLOCK));
    assertEquals(1, cluster.calls(Operation.READ));
    assertEquals(CacheOptions.defaults().readAheadBytes(), cache.status().fetchedBytes());
  }

  @Test
  void open_directoryInUseOrOfAnotherCluster_refused() throws Exception {
    assertThrows(IOException.class, this::open);
    cache.close();
    assertThrows(
        IOException.class,
        () ->
            ObjectCache.open(
                cluster.objects(),
                directory.resolve("cache"),
                "other",
                CacheOptions.defaults(),
                threads));
    cache = open();
  }

  @Test
  void manyThreads_ownBlocksWithFlushesAndPurges_noneLost() throws Exception {
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      int thread = i;
      running.add(
          threads.submit(
              () -> {
                use(thread, new Random(thread));
                return null;
              }));
    }
    for (Future<?> each : running) {
      each.get(100, TimeUnit.SECONDS);
    }
    cache.assertInvariants();
  }

  private void use(int thread, Random random) throws SheepException {
    int[] values = new int[32];
    for (int step = 0; step < 3000; step++) {
      int i = random.nextInt(values.length);
      int block = i * 6 + thread;
      switch (random.nextInt(40)) {
        case 0 -> cache.flush(vid);
        case 1 -> cache.purge(vid);
        case 2 -> cache.maintain();
        case 3 -> {
          cache.discard(oid, (long) block * BLOCK, BLOCK, Durability.UNSTABLE);
          values[i] = 0;
        }
        default -> {
          if (random.nextBoolean()) {
            values[i] = step % 100 + 1;
            write(block, values[i]);
          } else {
            ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
            cache.read(oid, (long) block * BLOCK, bytes);
            byte[] expected = new byte[BLOCK];
            Arrays.fill(expected, (byte) values[i]);
            assertArrayEquals(expected, bytes.array());
          }
        }
      }
    }
  }
}
