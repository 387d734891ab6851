package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.cache.SimStore.Operation;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens while the store is asked, at the moment when it hurts most. */
@Timeout(120)
final class InterleavingTest {

  private static final int BLOCK = BlockMap.BLOCK_BYTES;

  /** A power cut with this loses all that can be lost. */
  private static final class Worst extends Random {
    private static final long serialVersionUID = 1;

    @Override
    public boolean nextBoolean() {
      return true;
    }
  }

  private final SimStore store = new SimStore();
  private final SimDisk disk = new SimDisk(1 << 20);
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private long nanos;
  private VdiId vid;
  private ObjectId oid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws Exception {
    vid = store.make();
    oid = ObjectId.data(vid, 0);
    cache = open();
    cache.create(oid, 0, block(9), Durability.UNSTABLE);
    name();
    cache.flush(vid);
  }

  @AfterEach
  void stopThreads() {
    store.clearFault();
    threads.shutdownNow();
  }

  private ObjectCache open() throws IOException {
    CacheOptions options =
        new CacheOptions(
            CacheMode.WRITEBACK,
            1 << 20,
            0,
            1 << 20,
            Duration.ofSeconds(2),
            Duration.ofSeconds(600),
            BLOCK,
            4);
    return new ObjectCache(store, disk, "test", options, Runnable::run, () -> nanos);
  }

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void name() throws SheepException {
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    entry.putInt(0, vid.value());
    cache.write(ObjectId.inode(vid), InodeLayout.indexOffset(0), entry, Durability.UNSTABLE);
  }

  private void write(int block, int value) throws SheepException {
    cache.write(oid, (long) block * BLOCK, block(value), Durability.UNSTABLE);
  }

  private void assertRead(int block, int value) throws SheepException {
    ByteBuffer read = ByteBuffer.allocate(BLOCK);
    cache.read(oid, (long) block * BLOCK, read);
    assertArrayEquals(block(value).array(), read.array());
  }

  private void assertStored(int block, int value) throws SheepException {
    ByteBuffer read = ByteBuffer.allocate(BLOCK);
    store.read(oid, (long) block * BLOCK, read);
    assertArrayEquals(block(value).array(), read.array());
  }

  private interface Action {
    void run() throws SheepException;
  }

  /** Does something before the first call of a kind has an effect. */
  private void at(Operation which, Action action) {
    store.setFault(
        (operation, target) -> {
          if (operation == which) {
            store.clearFault();
            action.run();
          }
        });
  }

  @Test
  void writtenWhileTheStoreFlushes_staysDirty() throws Exception {
    write(0, 1);
    at(Operation.FLUSH, () -> write(0, 2));
    cache.flush(vid);
    assertEquals(BLOCK, cache.status().dirtyBytes());
    cache.flush(vid);
    assertEquals(0, cache.status().dirtyBytes());
    store.powerCut(new Worst());
    assertStored(0, 2);
  }

  @Test
  void writtenWhilePushed_pushedAgain() throws Exception {
    write(0, 1);
    at(Operation.WRITE, () -> write(0, 2));
    cache.flush(vid);
    cache.flush(vid);
    assertStored(0, 2);
  }

  @Test
  void writtenWhileFetched_whatComesIsNotKept() throws Exception {
    cache.purge(vid);
    assertRead(1, 0);
    at(Operation.READ, () -> write(0, 2));
    ByteBuffer read = ByteBuffer.allocate(BLOCK);
    cache.read(oid, 0, read);
    assertRead(0, 2);
    cache.flush(vid);
    assertStored(0, 2);
  }

  @Test
  void storeLosesAllBeforeItFlushes_pushedAgain() throws Exception {
    write(0, 1);
    at(Operation.FLUSH, () -> store.powerCut(new Worst()));
    cache.flush(vid);
    store.powerCut(new Worst());
    assertStored(0, 1);
    assertEquals(0, cache.status().dirtyBytes());
  }

  @Test
  void storeLosesAllBetweenPushes_pushedAgain() throws Exception {
    write(0, 1);
    nanos += 3_000_000_000L;
    cache.maintain(); // pushes, and does not flush
    assertStored(0, 1);
    write(1, 1);
    at(Operation.WRITE, () -> store.powerCut(new Worst()));
    cache.flush(vid);
    store.powerCut(new Worst());
    assertStored(0, 1);
    assertStored(1, 1);
  }

  @Test
  void purgedWhileMade_heldUntilFlushed() throws Exception {
    cache.remove(oid);
    cache.flush(vid);
    at(Operation.CREATE, () -> cache.purge(vid));
    cache.create(oid, 0, block(3), Durability.UNSTABLE);
    name();
    assertEquals(BLOCK, cache.status().dirtyBytes());
    assertEquals(1, cache.vdis().get(0).dirtyObjects());
    store.powerCut(new Worst());
    assertRead(0, 3);
    cache.flush(vid);
    store.powerCut(new Worst());
    assertStored(0, 3);
    cache.assertInvariants();
  }

  @Test
  void purgedWhileDiscarded_zeros() throws Exception {
    write(0, 1);
    cache.flush(vid);
    at(Operation.DISCARD, () -> cache.purge(vid));
    cache.discard(oid, 0, BLOCK, Durability.UNSTABLE);
    assertRead(0, 0);
    cache.assertInvariants();
  }

  @Test
  void flushWhileAPushIsOnItsWay_doesNotCoverIt() throws Exception {
    write(0, 1);
    cache.flush(vid);
    CountDownLatch pushing = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    write(0, 2);
    nanos += 3_000_000_000L;
    store.setFault(
        (operation, target) -> {
          if (operation == Operation.WRITE && target.isData()) {
            pushing.countDown();
            awaitFor(goOn);
          }
        });
    Future<?> writeOut = threads.submit(() -> cache.maintain());
    awaitFor(pushing);
    Thread[] flusher = new Thread[1];
    Future<?> flush =
        threads.submit(
            () -> {
              flusher[0] = Thread.currentThread();
              cache.flush(vid);
              return null;
            });
    Waiting.untilWaitsOrDone(flusher, flush);
    assertEquals(false, flush.isDone(), "a flush waits for pushes of what it covers");
    goOn.countDown();
    writeOut.get(60, TimeUnit.SECONDS);
    flush.get(60, TimeUnit.SECONDS);
    store.clearFault();
    store.powerCut(new Worst());
    assertStored(0, 2);
  }

  private static void awaitFor(CountDownLatch latch) {
    try {
      if (!latch.await(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody came");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void flushRefused_allIsPushedAgain() throws Exception {
    write(0, 1);
    at(
        Operation.FLUSH,
        () -> {
          throw new SheepException(ResultCode.NETWORK_ERROR, "injected");
        });
    assertThrows(SheepException.class, () -> cache.flush(vid));
    assertEquals(BLOCK, cache.status().dirtyBytes());
    long pushes = cache.status().pushes();
    cache.flush(vid);
    assertEquals(pushes + 1, cache.status().pushes());
  }

  @Test
  void closedByAKillInARefusedFlush_pushedByTheNext() throws Exception {
    write(0, 1);
    at(
        Operation.FLUSH,
        () -> {
          throw new IllegalStateException("killed");
        });
    assertThrows(IllegalStateException.class, () -> cache.flush(vid));
    cache = open();
    assertEquals(BLOCK, cache.status().dirtyBytes());
    store.powerCut(new Worst());
    cache.flush(vid);
    store.powerCut(new Worst());
    assertStored(0, 1);
  }
}
