package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
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
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A cluster that is away, or that refuses, or that lost what it was given. */
@Timeout(180)
final class AwayTest {

  private static final int BLOCK = 4096;
  private static final int LIMIT_BLOCKS = 256;

  private final MemoryCluster cluster = new MemoryCluster().rememberForPowerCut();
  private final SimDisk disk = new SimDisk(4 << 20);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private VdiId vid;
  private ObjectId oid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    oid = ObjectId.data(vid, 0);
    CacheOptions options =
        CacheOptions.defaults().withLimits(64 << 20, 0, (long) LIMIT_BLOCKS * BLOCK);
    cache =
        new ObjectCache(cluster.objects(), disk, "test", options, Runnable::run, System::nanoTime);
    cache.create(oid, 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
    cache.write(
        ObjectId.inode(vid),
        InodeLayout.indexOffset(0),
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, vid.value()),
        Durability.UNSTABLE);
  }

  @AfterEach
  void closeCache() throws IOException {
    cluster.setFault(Fault.none());
    cache.close();
    threads.shutdownNow();
  }

  private void write(int block, int value) throws SheepException {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    cache.write(oid, (long) block * BLOCK, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
  }

  private int stored(int block) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    cluster.objects().read(oid, (long) block * BLOCK, bytes);
    return bytes.get(BLOCK - 1);
  }

  private int cached(int block) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    cache.read(oid, (long) block * BLOCK, bytes);
    return bytes.get(BLOCK - 1);
  }

  @Test
  void clusterAway_readsAndWritesGoOnAtTheLimitBlockAndResume() throws Exception {
    cache.flush(vid);
    cluster.setFault(Fault.failing(call -> true, ResultCode.NETWORK_ERROR));
    for (int block = 0; block < LIMIT_BLOCKS; block++) {
      write(block, 1);
    }
    assertEquals(1, cached(7));
    SheepException failure = assertThrows(SheepException.class, () -> cache.flush(vid));
    assertEquals(ResultCode.NETWORK_ERROR, failure.result());
    Future<?> blocked =
        threads.submit(
            () -> {
              write(LIMIT_BLOCKS, 2);
              return null;
            });
    while (cache.status().waits() == 0) {
      assertFalse(blocked.isDone());
      Thread.onSpinWait();
    }
    assertEquals(1, cached(9));
    assertFalse(blocked.isDone());
    cluster.setFault(Fault.none());
    blocked.get(100, TimeUnit.SECONDS);
    cache.flush(vid);
    assertEquals(1, stored(LIMIT_BLOCKS - 1));
    assertEquals(2, stored(LIMIT_BLOCKS));
    cache.assertInvariants();
  }

  @Test
  void storeFull_atTheLimit_writerIsToldAndNothingIsLost() throws Exception {
    cache.flush(vid);
    cluster.setFault(
        Fault.failing(call -> call.operation() == Operation.WRITE, ResultCode.NO_SPACE));
    for (int block = 0; block < LIMIT_BLOCKS; block++) {
      write(block, 1);
    }
    SheepException failure = assertThrows(SheepException.class, () -> write(LIMIT_BLOCKS, 2));
    assertEquals(ResultCode.NO_SPACE, failure.result());
    cluster.setFault(Fault.none());
    cache.flush(vid);
    assertEquals(1, stored(0));
    assertEquals(1, stored(LIMIT_BLOCKS - 1));
  }

  @Test
  void flush_storeLostPushes_pushesThemAgain() throws Exception {
    cache.flush(vid);
    write(3, 5);
    cluster.setFault(Fault.failing(call -> call.operation() == Operation.FLUSH, ResultCode.HALT));
    assertThrows(SheepException.class, () -> cache.flush(vid));
    boolean[] cut = new boolean[1];
    cluster.setFault(
        call -> {
          if (call.operation() == Operation.FLUSH && !cut[0]) {
            cut[0] = true;
            cluster.powerCut(new Random(1));
          }
        });
    for (int block = 0; block < 40; block++) {
      write(block, 6);
    }
    cache.flush(vid);
    assertTrue(cut[0]);
    for (int block = 0; block < 40; block++) {
      assertEquals(6, stored(block));
    }
    assertEquals(0, cache.status().dirtyBytes());
  }

  @Test
  void flush_storeLostNewObject_makesItAgain() throws Exception {
    write(3, 5);
    for (int seed = 0; seed < 8; seed++) {
      cluster.powerCut(new Random(seed));
    }
    assertTrue(cluster.dataObjects().isEmpty());
    write(4, 6);
    cache.flush(vid);
    assertEquals(5, stored(3));
    assertEquals(6, stored(4));
    assertEquals(vid.value(), cluster.indexEntries(vid, 0, 1)[0]);
  }

  private void writeSize(long size, Durability durability) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(0, size);
    cache.write(ObjectId.inode(vid), InodeLayout.VDI_SIZE, bytes, durability);
  }

  private long storedSize() throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    cluster.objects().read(ObjectId.inode(vid), InodeLayout.VDI_SIZE, bytes);
    return bytes.getLong(0);
  }

  @Test
  void flush_storeLostChangesOfTheInode_makesThemAgain() throws Exception {
    write(3, 5);
    cache.flush(vid);
    long size = 64 << 20;
    for (int seed = 0; seed < 8; seed++) {
      writeSize(++size, Durability.UNSTABLE);
      cluster.powerCut(new Random(seed));
      cache.flush(vid);
      assertEquals(size, storedSize());
    }
    writeSize(++size, Durability.UNSTABLE);
    writeSize(++size, Durability.STABLE);
    cluster.powerCut(new Random(9));
    cache.flush(vid);
    assertEquals(size, storedSize(), "the newer one counts");
    cluster.resetCalls();
    cache.flush(vid);
    assertEquals(0, cluster.calls(Operation.WRITE), "what is flushed is forgotten");
  }

  @Test
  void flush_storeBroughtAnOlderObjectBack_makesTheNewOneAgain() throws Exception {
    ByteBuffer hole = ByteBuffer.allocate(4);
    ByteBuffer own = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, vid.value());
    for (int seed = 0; seed < 16; seed++) {
      write(5, 9);
      cache.flush(vid);
      long entry = InodeLayout.indexOffset(0);
      cache.write(ObjectId.inode(vid), entry, hole.duplicate(), Durability.UNSTABLE);
      cache.create(oid, 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
      cache.write(ObjectId.inode(vid), entry, own.duplicate(), Durability.UNSTABLE);
      write(6, 7);
      cluster.powerCut(new Random(seed));
      cache.flush(vid);
      assertEquals(0, stored(5));
      assertEquals(7, stored(6));
      assertEquals(vid.value(), cluster.indexEntries(vid, 0, 1)[0]);
    }
  }

  @Test
  void flush_storeCouldNotForce_createsTheObjectAnew() throws Exception {
    write(1, 4);
    cache.flush(vid);
    write(3, 5);
    cluster.setFault(Fault.failing(call -> call.operation() == Operation.FLUSH, ResultCode.EIO));
    assertThrows(SheepException.class, () -> cache.flush(vid));
    cluster.setFault(Fault.none());
    cluster.resetCalls();
    cache.flush(vid);
    assertEquals(1, cluster.calls(Operation.CREATE));
    assertEquals(4, stored(1));
    assertEquals(5, stored(3));
    assertEquals(0, cache.status().dirtyBytes());
    cache.assertInvariants();
  }

  @Test
  void diskFull_writesGoToTheStoreUntilItWorksAgain() throws Exception {
    write(1, 4);
    disk.setFailing(true);
    write(1, 5);
    write(2, 6);
    assertEquals(5, stored(1));
    assertEquals(6, stored(2));
    assertEquals(5, cached(1));
    assertTrue(cache.status().diskFailures() > 0);
    cluster.powerCut(new Random(3));
    assertEquals(6, stored(2), "a write that is not held here is durable there");
    disk.setFailing(false);
    cache.maintain();
    cluster.resetCalls();
    write(2, 7);
    assertEquals(0, cluster.calls(Operation.WRITE));
    assertEquals(7, cached(2));
    cache.flush(vid);
    assertEquals(7, stored(2));
  }
}
