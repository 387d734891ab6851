package io.sheepfs.cache.coherence;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.cache.CacheOptions;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is fetched before anybody asks for it. */
@Timeout(120)
final class PrefetchTest {

  private static final VdiName DISK = new VdiName("disk");
  private static final VdiName CLONE = new VdiName("clone");
  private static final int STEP = 64 << 10;
  private static final int MIB = 1 << 20;

  /** Two objects of 4 MiB, a hole, an object, and a part of one. */
  private static final long SIZE = 17L * MIB + 4096;

  private static final long HOLE = 8L * MIB;
  private static final long HOLE_END = 12L * MIB;

  @TempDir private Path folder;
  private final MemoryCluster raw = new MemoryCluster();
  private final MemoryCluster session = raw.newSession();
  private CachedCluster cluster;

  @BeforeEach
  void fillAndOpen() throws Exception {
    raw.vdis().create(DISK, VdiSpec.ofSize(SIZE));
    byte[] bytes = new byte[MIB];
    CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
    // only what was written with a token is cached
    try (CachedCluster writer =
            CachedCluster.open(raw.newSession(), folder.resolve("writer"), "test", options);
        Volume volume = Volume.open(writer, DISK, Access.READ_WRITE)) {
      for (long at = 0; at < SIZE; at += MIB) {
        new Random(at).nextBytes(bytes);
        if (at < HOLE || at >= HOLE_END) {
          volume.write(at, ByteBuffer.wrap(bytes, 0, (int) Math.min(MIB, SIZE - at)));
        }
      }
    }
    cluster = CachedCluster.open(session, folder.resolve("cache"), "test", options);
  }

  @AfterEach
  void close() throws IOException {
    session.setFault(Fault.none());
    cluster.close();
  }

  private long fetched() {
    return cluster.cache().status().fetchedBytes();
  }

  private static void eventually(Condition condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.holds()) {
      assertTrue(System.nanoTime() < deadline, "waited for 60 s");
      Thread.onSpinWait();
    }
  }

  private interface Condition {
    boolean holds() throws Exception;
  }

  private static void readAll(Volume volume) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(STEP);
    byte[] bytes = new byte[MIB];
    for (long at = 0; at < SIZE; at += STEP) {
      int length = (int) Math.min(STEP, SIZE - at);
      assertEquals(length, volume.read(at, buffer.clear()));
      new Random(at / MIB * MIB).nextBytes(bytes);
      ByteBuffer expected = ByteBuffer.wrap(bytes, (int) (at % MIB), length).slice();
      boolean hole = at >= HOLE && at < HOLE_END;
      assertEquals(hole ? ByteBuffer.allocate(length) : expected, buffer.flip(), "at " + at);
    }
  }

  @Test
  void sequentialReader_fewReads_restIsFetchedWithoutBeingAskedFor() throws Exception {
    try (Volume volume = Volume.open(cluster, DISK, Access.READ_ONLY)) {
      for (long at = 0; at < 3 * STEP; at += STEP) {
        volume.read(at, ByteBuffer.allocate(STEP));
      }
      eventually(() -> fetched() >= 6 * STEP);
    }
  }

  @Test
  void sequentialReader_wholeDisk_everyByteFetchedOnceAndNoHole() throws Exception {
    try (Volume volume = Volume.open(cluster, DISK, Access.READ_ONLY)) {
      readAll(volume);
    }
    long allocated = SIZE - (HOLE_END - HOLE);
    // a demand fetch of the last, partial unit goes on to its end, which is in the object
    assertTrue(fetched() >= allocated && fetched() <= allocated + STEP, "fetched " + fetched());
    session.resetCalls();
    try (Volume volume = Volume.open(cluster, DISK, Access.READ_ONLY)) {
      session.resetCalls();
      readAll(volume);
    }
    assertTrue(session.calls(Operation.READ) <= 2, "cached");
  }

  @Test
  void sequentialReader_ofClone_fetchesFromItsAncestorAhead() throws Exception {
    raw.vdis().snapshot(DISK, new SnapshotTag("tag"));
    raw.vdis().cloneSnapshot(raw.vdis().lookup(DISK, SnapshotSelector.tag("tag")).vid(), CLONE);
    try (Volume volume = Volume.open(cluster, CLONE, Access.READ_WRITE)) {
      volume.write(5L * MIB, ByteBuffer.allocate(4096));
      for (long at = 0; at < MIB; at += STEP) {
        volume.read(at, ByteBuffer.allocate(STEP));
      }
      eventually(() -> fetched() >= 2 * MIB);
    }
  }

  /** All pieces of a window are on their way at once: that is what fills a long pipe. */
  @Test
  void sequentialReader_slowCluster_manyFetchesOnTheirWay() throws Exception {
    CountDownLatch many = new CountDownLatch(4);
    session.setFault(
        new Fault() {
          @Override
          public void before(MemoryCluster.Call call) {
            if (call.operation() == Operation.READ && isOfSecondObject(call)) {
              many.countDown();
              try {
                many.await(60, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
          }
        });
    try (Volume volume = Volume.open(cluster, DISK, Access.READ_ONLY)) {
      for (long at = 0; at < 4 * MIB; at += STEP) {
        volume.read(at, ByteBuffer.allocate(STEP));
      }
      assertTrue(many.await(60, TimeUnit.SECONDS), "four pieces of the next object at once");
    }
  }

  private static boolean isOfSecondObject(MemoryCluster.Call call) {
    ObjectId oid = call.oid();
    return oid != null && oid.isData() && oid.index() == 1;
  }

  @Test
  void randomReader_coldCache_oneUnitEach() throws Exception {
    Random random = new Random(11);
    int count = 50;
    try (Volume volume = Volume.open(cluster, DISK, Access.READ_ONLY)) {
      for (int i = 0; i < count; i++) {
        volume.read(random.nextInt((int) (SIZE >> 12)) * 4096L, ByteBuffer.allocate(4096));
      }
    }
    assertTrue(fetched() <= (long) count * CacheOptions.defaults().readAheadBytes());
  }
}
