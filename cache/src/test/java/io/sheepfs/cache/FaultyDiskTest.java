package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.cache.CacheOptions.DiskAccess;
import io.sheepfs.cache.FaultyDisk.Operation;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
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
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A cache disk that fails under load: it costs speed, and nothing else, until it works again. */
@Timeout(180)
final class FaultyDiskTest {

  private static final int BLOCK = 4096;
  private static final int THREADS = 4;
  private static final int BLOCKS = 24;
  private static final int STEPS = 400;
  private static final Set<Operation> READ_ONLY =
      EnumSet.of(
          Operation.OPEN,
          Operation.WRITE,
          Operation.MAP,
          Operation.DELETE,
          Operation.RECORD,
          Operation.PROBE);
  private static final Set<Operation> FULL =
      EnumSet.of(Operation.WRITE, Operation.MAP, Operation.PROBE);
  private static final Set<Operation> UNREADABLE = EnumSet.of(Operation.READ);

  private final MemoryCluster cluster = new MemoryCluster();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final int[][] values = new int[THREADS][BLOCKS];
  private @TempDir Path directory;
  private FaultyDisk disk;
  private VdiId vid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    disk = new FaultyDisk(FileDisk.open(directory.resolve("cache"), DiskAccess.PLAIN));
    CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
    cache = new ObjectCache(cluster.objects(), disk, "test", options, threads, System::nanoTime);
    for (int i = 0; i < THREADS; i++) {
      ByteBuffer nothing = ByteBuffer.allocate(0);
      cluster.objects().create(ObjectId.data(vid, i), 0, nothing, Durability.STABLE);
    }
  }

  @AfterEach
  void closeCache() throws IOException {
    disk.fail("", Set.of());
    cache.close();
    threads.shutdownNow();
  }

  private static byte[] filled(int value) {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  /** Each thread uses an object of its own, and knows what must be in it. */
  private void load(long seed) throws Exception {
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      int thread = i;
      running.add(
          threads.submit(
              () -> {
                use(thread, new Random(seed + thread));
                return null;
              }));
    }
    for (Future<?> each : running) {
      each.get(100, TimeUnit.SECONDS);
    }
  }

  private void use(int thread, Random random) throws SheepException {
    ObjectId oid = ObjectId.data(vid, thread);
    for (int step = 0; step < STEPS; step++) {
      int block = random.nextInt(BLOCKS);
      switch (random.nextInt(20)) {
        case 0 -> cache.flush(vid);
        case 1 -> cache.maintain();
        case 2 -> cache.purge(vid);
        case 3 -> {
          int half = random.nextInt(100) + 1;
          cache.write(
              oid,
              (long) block * BLOCK,
              ByteBuffer.wrap(filled(values[thread][block]), 0, BLOCK / 2),
              Durability.UNSTABLE);
          values[thread][block] = half;
          cache.write(
              oid, (long) block * BLOCK, ByteBuffer.wrap(filled(half)), Durability.UNSTABLE);
        }
        case 4, 5, 6, 7, 8, 9, 10 -> {
          values[thread][block] = random.nextInt(100) + 1;
          ByteBuffer bytes = ByteBuffer.wrap(filled(values[thread][block]));
          cache.write(oid, (long) block * BLOCK, bytes, Durability.UNSTABLE);
        }
        default -> {
          ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
          cache.read(oid, (long) block * BLOCK, bytes);
          assertEquals(ByteBuffer.wrap(filled(values[thread][block])), bytes.flip());
        }
      }
    }
  }

  private void failUnderLoad(String why, Set<Operation> operations) throws Exception {
    load(1);
    disk.fail(why, operations);
    load(2);
    assertTrue(cache.status().diskFailures() > 0, "it did fail");
    disk.fail("", Set.of());
    cache.maintain();
    load(3);
    worksAgain();
  }

  /** What is written stays here again, and all of it arrives. */
  private void worksAgain() throws Exception {
    cache.maintain();
    ObjectId oid = ObjectId.data(vid, 0);
    cache.read(oid, 0, ByteBuffer.allocate(BLOCK));
    cluster.resetCalls();
    values[0][0] = 101;
    cache.write(oid, 0, ByteBuffer.wrap(filled(101)), Durability.UNSTABLE);
    assertEquals(0, cluster.calls(), "it is held back again");
    cache.flush(vid);
    for (int thread = 0; thread < THREADS; thread++) {
      for (int block = 0; block < BLOCKS; block++) {
        ByteBuffer stored = ByteBuffer.allocate(BLOCK);
        cluster.objects().read(ObjectId.data(vid, thread), (long) block * BLOCK, stored);
        assertEquals(ByteBuffer.wrap(filled(values[thread][block])), stored.flip());
      }
    }
    cache.assertInvariants();
  }

  @Test
  void readOnlyUnderLoad_nobodyNoticesAndItComesBack() throws Exception {
    failUnderLoad("read-only file system", READ_ONLY);
  }

  @Test
  void fullUnderLoad_nobodyNoticesAndItComesBack() throws Exception {
    failUnderLoad("no space left on device", FULL);
  }

  @Test
  void cleanBlocksUnreadable_readFromTheClusterAndItComesBack() throws Exception {
    load(1);
    cache.flush(vid);
    disk.fail("input/output error", UNREADABLE);
    for (int block = 0; block < BLOCKS; block++) {
      ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
      cache.read(ObjectId.data(vid, 1), (long) block * BLOCK, bytes);
      assertEquals(ByteBuffer.wrap(filled(values[1][block])), bytes.flip());
    }
    assertTrue(cache.status().diskFailures() > 0, "it did fail");
    disk.fail("", Set.of());
    worksAgain();
  }

  @Test
  void quota_notKept_unchanged() throws Exception {
    VdiName name = new VdiName("disk");
    cache.setQuota(name, 4 << 20);
    disk.fail("read-only file system", READ_ONLY);
    assertThrows(IOException.class, () -> cache.setQuota(name, 8 << 20));
    assertEquals(4 << 20, cache.quota(name).limitBytes());
  }
}
