package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the cache asks of the store and of its disk: the least that will do. */
final class CacheEfficiencyTest {

  private static final int BLOCK = BlockMap.BLOCK_BYTES;
  private static final int BLOCKS = 1024;
  private static final int UNIT = CacheOptions.defaults().readAheadBytes();

  private final MemoryCluster cluster = new MemoryCluster();
  private final AtomicLong bytesRead = new AtomicLong();
  private final AtomicLong bytesWritten = new AtomicLong();
  private final Random random = new Random(1);
  private @TempDir Path directory;
  private CountingDisk disk;
  private VdiId vid;
  private ObjectId oid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    oid = ObjectId.data(vid, 0);
    disk = CountingDisk.open(directory.resolve("cache"));
    CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
    cache =
        new ObjectCache(measured(), disk.disk(), "test", options, Runnable::run, System::nanoTime);
    cache.create(oid, 0, ByteBuffer.allocate(0), Durability.STABLE);
    cache.flush(vid);
    reset();
  }

  @AfterEach
  void closeCache() throws IOException {
    cache.close();
  }

  /** The store, with the bytes that pass counted. */
  private ObjectStore measured() {
    ObjectStore store = cluster.objects();
    return (ObjectStore)
        Proxy.newProxyInstance(
            ObjectStore.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("read")) {
                bytesRead.addAndGet(((ByteBuffer) arguments[2]).remaining());
              } else if (method.getName().equals("write")) {
                bytesWritten.addAndGet(((ByteBuffer) arguments[2]).remaining());
              }
              try {
                return method.invoke(store, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private void reset() {
    cluster.resetCalls();
    bytesRead.set(0);
    bytesWritten.set(0);
    disk.take();
  }

  private void read(int block) throws SheepException {
    cache.read(oid, (long) block * BLOCK, ByteBuffer.allocateDirect(BLOCK));
  }

  private void write(int block) throws SheepException {
    byte[] bytes = new byte[BLOCK];
    random.nextBytes(bytes);
    cache.write(oid, (long) block * BLOCK, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
  }

  @Test
  void randomReads_cold_oneUnitEachAtMost() throws Exception {
    BitSet units = new BitSet();
    for (int i = 0; i < 40; i++) {
      int block = random.nextInt(BLOCKS);
      long before = bytesRead.get();
      read(block);
      long fetched = bytesRead.get() - before;
      int unit = block / (UNIT / BLOCK);
      assertEquals(units.get(unit) ? 0 : UNIT, fetched, "fetched for block " + block);
      units.set(unit);
    }
    assertEquals(units.cardinality(), cluster.calls(Operation.READ));
    assertEquals((long) units.cardinality() * UNIT, cache.status().fetchedBytes());
  }

  @Test
  void randomWrites_pushedOnce() throws Exception {
    BitSet dirty = new BitSet();
    for (int i = 0; i < 600; i++) {
      int block = random.nextInt(BLOCKS);
      write(block);
      dirty.set(block);
    }
    assertEquals(0, cluster.calls(), "nothing is asked before the flush");
    cache.flush(vid);
    assertEquals((long) dirty.cardinality() * BLOCK, bytesWritten.get());
    assertEquals(0, bytesRead.get());
    assertEquals(1, cluster.calls(Operation.FLUSH));
  }

  @Test
  void randomWrites_withWriteOutInBetween_pushedOnceEachChange() throws Exception {
    long written = 0;
    for (int i = 0; i < 300; i++) {
      write(random.nextInt(BLOCKS));
      written += BLOCK;
      if (i % 50 == 0) {
        cache.flush(vid);
      }
    }
    cache.flush(vid);
    assertTrue(bytesWritten.get() <= written * 1.1, bytesWritten + " of " + written);
  }

  @Test
  void fsync_oneDirtyBlock_onePushAndOneFlush() throws Exception {
    for (int i = 0; i < 20; i++) {
      write(random.nextInt(BLOCKS));
      cache.flush(vid);
      assertEquals(1, cluster.calls(Operation.WRITE));
      assertEquals(1, cluster.calls(Operation.FLUSH));
      assertEquals(2, cluster.calls());
      reset();
    }
  }

  @Test
  void writes_onlyPartsOfAbsentBlocksAreFetched() throws Exception {
    for (int i = 0; i < 100; i++) {
      int block = random.nextInt(BLOCKS - 4);
      int count = 1 + random.nextInt(4);
      cache.write(
          oid, (long) block * BLOCK, ByteBuffer.allocate(count * BLOCK), Durability.UNSTABLE);
    }
    assertEquals(0, cluster.calls());
    cache.flush(vid);
    cache.purge(vid);
    read(BLOCKS - 1); // a first write would pass through, to learn whether the object exists
    reset();
    cache.write(oid, 5 * BLOCK + 7, ByteBuffer.allocate(9), Durability.UNSTABLE);
    assertEquals(1, cluster.calls());
    assertEquals(UNIT, bytesRead.get());
  }

  @Test
  void hits_onePreadOrPwriteAndNothingElse() throws Exception {
    for (int block = 0; block < BLOCKS; block++) {
      if (block % 3 == 0) {
        write(block);
      } else {
        read(block);
      }
    }
    reset();
    for (int i = 0; i < 200; i++) {
      read(random.nextInt(BLOCKS));
    }
    assertEquals(Map.of("pread", 200), disk.take());
    for (int i = 0; i < 200; i++) {
      write(random.nextInt(BLOCKS));
    }
    assertEquals(Map.of("pwrite", 200), disk.take());
    int many = 32 * BLOCK;
    cache.read(oid, 3 * BLOCK, ByteBuffer.allocateDirect(many));
    assertEquals(Map.of("pread", 1), disk.take());
    cache.write(oid, 3 * BLOCK, ByteBuffer.allocateDirect(many), Durability.UNSTABLE);
    assertEquals(Map.of("pwrite", 1), disk.take());
    cache.read(oid, 3 * BLOCK + 5, ByteBuffer.allocate(BLOCK));
    assertEquals(Map.of("pread", 1), disk.take());
    assertEquals(0, cluster.calls());
  }

  /** What stays of a block is read, for the checksum of the whole. */
  @Test
  void partialWrite_onePreadForEachBlockOfWhichAPartStays() throws Exception {
    read(0);
    reset();
    cache.write(oid, 5, ByteBuffer.allocate(10), Durability.UNSTABLE);
    assertEquals(Map.of("pread", 1, "pwrite", 1), disk.take());
    cache.write(oid, BLOCK - 5, ByteBuffer.allocate(10), Durability.UNSTABLE);
    assertEquals(Map.of("pread", 2, "pwrite", 1), disk.take());
    assertEquals(0, cluster.calls());
  }
}
