package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Call;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Many threads on one volume. */
final class VolumeConcurrencyTest {

  private static final int THREADS = 8;
  private static final int BLOCK = 4096;
  private static final int OBJECT_BYTES = 1 << 20;
  private static final int OBJECTS = 4;
  private static final int BLOCKS = OBJECTS * OBJECT_BYTES / BLOCK;
  private static final VdiName NAME = new VdiName("disk");

  private final MemoryCluster base = new MemoryCluster(20);
  private MemoryCluster session = base.newSession();
  private Volume volume;
  private final ExecutorService threads = Executors.newFixedThreadPool(THREADS);

  VolumeConcurrencyTest() throws SheepException {
    base.vdis().create(NAME, VdiSpec.ofSize((long) OBJECTS * OBJECT_BYTES));
    volume = Volume.open(session, NAME, Access.READ_WRITE);
  }

  @AfterEach
  void stopThreads() {
    threads.shutdownNow();
  }

  private interface Task {
    void run(int thread) throws Exception;
  }

  private void inParallel(Task task) throws Exception {
    List<Future<?>> running = new ArrayList<>();
    for (int i = 0; i < THREADS; i++) {
      int thread = i;
      running.add(start(() -> task.run(thread)));
    }
    for (Future<?> each : running) {
      each.get(60, TimeUnit.SECONDS);
    }
  }

  private interface Action {
    void run() throws Exception;
  }

  private Future<?> start(Action action) {
    return threads.submit(
        () -> {
          action.run();
          return null;
        });
  }

  private static ByteBuffer filled(int fill) {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) fill);
    return ByteBuffer.wrap(bytes);
  }

  private static byte[] block(Volume volume, long offset) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    volume.read(offset, bytes);
    return bytes.array();
  }

  private void crash() throws SheepException {
    session.close();
    session = base.newSession();
    volume = Volume.open(session, NAME, Access.READ_WRITE);
  }

  private static int fillOf(int block) {
    return 1 + block % 127;
  }

  @Test
  void write_disjointBlocksOfSameHoles_noneLost() throws Exception {
    inParallel(
        thread -> {
          for (int block = thread; block < BLOCKS; block += THREADS) {
            volume.write((long) block * BLOCK, filled(fillOf(block)));
          }
        });
    crash();
    for (int block = 0; block < BLOCKS; block++) {
      assertArrayEquals(
          filled(fillOf(block)).array(), block(volume, (long) block * BLOCK), "block " + block);
    }
    assertEquals(OBJECTS, base.dataObjects().size());
  }

  @Test
  void write_disjointBlocksOfSharedObjects_copiedOnceAndSnapshotKept() throws Exception {
    for (int block = 0; block < BLOCKS; block++) {
      volume.write((long) block * BLOCK, filled(fillOf(block)));
    }
    volume.snapshot(new SnapshotTag("s"));
    session.resetCalls();
    inParallel(
        thread -> {
          for (int block = thread; block < BLOCKS; block += THREADS) {
            if (block % 3 != 0) {
              volume.write((long) block * BLOCK, filled(200));
            }
          }
        });
    assertEquals(OBJECTS, session.calls(Operation.CREATE_COPY));
    crash();
    Volume snapshot = Volume.open(session, session.vdis().lookup(NAME, SnapshotSelector.tag("s")));
    for (int block = 0; block < BLOCKS; block++) {
      long offset = (long) block * BLOCK;
      int expected = block % 3 != 0 ? 200 : fillOf(block);
      assertArrayEquals(filled(expected).array(), block(volume, offset), "block " + block);
      assertArrayEquals(filled(fillOf(block)).array(), block(snapshot, offset));
    }
  }

  @Test
  void write_behindTheEnd_sizeIsTheFarthest() throws Exception {
    volume.resize(0);
    inParallel(
        thread -> {
          for (int block = thread; block < BLOCKS; block += THREADS) {
            volume.write((long) block * BLOCK + 1, filled(fillOf(block)).limit(BLOCK - 1));
            assertTrue(volume.sizeBytes() >= (block + 1L) * BLOCK);
          }
        });
    crash();
    assertEquals((long) BLOCKS * BLOCK, volume.sizeBytes());
    for (int block = 0; block < BLOCKS; block++) {
      byte[] expected = filled(fillOf(block)).array();
      System.arraycopy(expected, 0, expected, 1, BLOCK - 1);
      expected[0] = 0;
      assertArrayEquals(expected, block(volume, (long) block * BLOCK), "block " + block);
    }
  }

  @Test
  void everythingAtOnce_blocksAreTheirOwnOrZero() throws Exception {
    long seed = new Random().nextLong();
    AtomicBoolean stop = new AtomicBoolean();
    try {
      inParallel(
          thread -> {
            Random random = new Random(seed + thread);
            if (thread == 0) {
              try {
                for (int i = 0; i < 300; i++) {
                  disturb(random, i);
                }
              } finally {
                stop.set(true);
              }
            }
            while (!stop.get()) {
              int block = random.nextInt(BLOCKS);
              if (thread < THREADS / 2) {
                volume.write((long) block * BLOCK, filled(fillOf(block)));
              } else {
                checkBlock(block);
              }
            }
          });
      for (int block = 0; block < BLOCKS; block++) {
        checkBlock(block);
      }
      crash();
      volume.resize((long) BLOCKS * BLOCK);
      for (int block = 0; block < BLOCKS; block++) {
        checkBlock(block);
      }
      volume.resize(0);
      volume.resize((long) BLOCKS * BLOCK);
      assertEquals(-1, volume.nextData(0));
    } catch (Exception | AssertionError e) {
      throw new AssertionError("seed " + seed, e);
    }
  }

  private void disturb(Random random, int round) throws IOException {
    int block = random.nextInt(BLOCKS);
    switch (random.nextInt(5)) {
      case 0 -> volume.resize((long) block * BLOCK);
      case 1 -> volume.discard((long) block * BLOCK, (1L + random.nextInt(512)) * BLOCK);
      case 2 -> volume.flush();
      case 3 -> {
        if (round % 8 == 0) {
          volume.snapshot(new SnapshotTag("s" + round));
        } else if (round % 8 == 1) {
          base.vdis().snapshot(NAME, new SnapshotTag("s" + round));
        } else {
          volume.resize((long) BLOCKS * BLOCK);
        }
      }
      default -> {
        volume.becomeWritable();
        volume.discard((long) block / 256 * OBJECT_BYTES, OBJECT_BYTES);
      }
    }
  }

  private void checkBlock(int block) throws SheepException {
    byte[] bytes = block(volume, (long) block * BLOCK);
    if (bytes[0] != 0) {
      assertArrayEquals(filled(fillOf(block)).array(), bytes, "block " + block);
    } else {
      assertArrayEquals(new byte[BLOCK], bytes, "block " + block);
    }
  }

  /** Holds calls back until {@link #released}. */
  private static final class Gate implements Fault {
    private final Predicate<Call> which;
    final CountDownLatch reached = new CountDownLatch(1);
    final CountDownLatch released = new CountDownLatch(1);

    Gate(Predicate<Call> which) {
      this.which = which;
    }

    @Override
    public void before(Call call) {
      if (which.test(call)) {
        reached.countDown();
        try {
          assertTrue(released.await(60, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
      }
    }
  }

  private static boolean isData(Call call, int index) {
    return call.oid() != null && call.oid().isData() && call.oid().index() == index;
  }

  @Test
  void write_whileAnotherObjectHangs_doesNotWait() throws Exception {
    Gate gate = new Gate(call -> isData(call, 0));
    session.setFault(gate);
    Future<?> hanging = start(() -> volume.write(0, filled(1)));
    gate.reached.await();
    volume.write(OBJECT_BYTES, filled(2));
    assertArrayEquals(filled(2).array(), block(volume, OBJECT_BYTES));
    volume.discard(OBJECT_BYTES, OBJECT_BYTES);
    assertArrayEquals(new byte[BLOCK], block(volume, 0));
    assertFalse(hanging.isDone());
    gate.released.countDown();
    hanging.get(60, TimeUnit.SECONDS);
    assertArrayEquals(filled(1).array(), block(volume, 0));
  }

  @Test
  void readAndWrite_ofOwnObject_doNotWaitForEachOther() throws Exception {
    volume.write(0, filled(1));
    Gate gate = new Gate(call -> isData(call, 0) && call.operation() == Operation.WRITE);
    session.setFault(gate);
    Future<?> hanging = start(() -> volume.write(0, filled(2)));
    gate.reached.await();
    assertArrayEquals(filled(1).array(), block(volume, 0));
    session.setFault(Fault.none());
    volume.write(BLOCK, filled(3));
    assertFalse(hanging.isDone());
    gate.released.countDown();
    hanging.get(60, TimeUnit.SECONDS);
    assertArrayEquals(filled(2).array(), block(volume, 0));
    assertArrayEquals(filled(3).array(), block(volume, BLOCK));
  }

  @Test
  void flush_writeMeanwhile_staysDirty() throws Exception {
    volume.write(0, filled(1));
    Gate gate = new Gate(call -> call.operation() == Operation.FLUSH);
    session.setFault(gate);
    Future<?> flushing = start(volume::flush);
    gate.reached.await();
    assertTrue(volume.isDirty());
    volume.write(0, filled(2));
    gate.released.countDown();
    flushing.get(60, TimeUnit.SECONDS);
    assertTrue(volume.isDirty());
    volume.flush();
    assertFalse(volume.isDirty());
  }

  @Test
  void resize_writeOnItsWay_happensBeforeOrAfter() throws Exception {
    volume.write(0, filled(1));
    Gate gate = new Gate(call -> isData(call, 0) && call.operation() == Operation.WRITE);
    session.setFault(gate);
    Future<?> writing = start(() -> volume.write(BLOCK, filled(2)));
    gate.reached.await();
    Future<?> shrinking = start(() -> volume.resize(0));
    gate.released.countDown();
    writing.get(60, TimeUnit.SECONDS);
    shrinking.get(60, TimeUnit.SECONDS);
    volume.resize(2L * BLOCK);
    assertArrayEquals(new byte[BLOCK], block(volume, 0));
    assertArrayEquals(new byte[BLOCK], block(volume, BLOCK));
  }

  @Test
  void becomeReadOnly_writesOnTheirWay_flushedOrRefused() throws Exception {
    inParallel(
        thread -> {
          if (thread == 0) {
            volume.becomeReadOnly();
            return;
          }
          try {
            for (int i = 0; i < 10_000; i++) {
              volume.write((long) thread * BLOCK, filled(thread));
            }
          } catch (SheepException e) {
            assertEquals(ResultCode.READONLY, e.result());
          }
        });
    assertFalse(volume.isWritable());
    Volume next = Volume.open(base, NAME, Access.READ_WRITE);
    next.close();
  }
}
