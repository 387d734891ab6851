package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.function.Executable;

/** What the contract suites of the two ports share. */
public abstract class ClusterContract {

  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final List<Cluster> others = new ArrayList<>();

  /** The client under test. */
  protected Cluster cluster;

  /**
   * Opens the cluster under test: an empty, formatted one at the first call of a test; later, after
   * the last client was closed, the same with what was left. Its default object size is 4 MiB.
   */
  protected abstract Cluster open() throws Exception;

  /** Another client of the cluster that {@code first} is a client of. Closed by the suite. */
  protected abstract Cluster another(Cluster first) throws Exception;

  @BeforeEach
  final void openCluster() throws Exception {
    cluster = open();
  }

  @AfterEach
  final void closeCluster() throws IOException {
    closeOthers();
    cluster.close();
  }

  private void closeOthers() throws IOException {
    for (Cluster other : others) {
      other.close();
    }
    others.clear();
  }

  final Cluster otherClient() throws Exception {
    Cluster other = another(cluster);
    others.add(other);
    return other;
  }

  /** Closes the cluster without a flush and opens it again. */
  final void reopen() throws Exception {
    closeOthers();
    cluster.close();
    cluster = open();
  }

  final ObjectStore objects() {
    return cluster.objects();
  }

  final VdiDirectory vdis() {
    return cluster.vdis();
  }

  final VdiInfo createVdi(String name, long sizeBytes) throws SheepException {
    return vdis().create(new VdiName(name), VdiSpec.ofSize(sizeBytes));
  }

  static void assertFails(ResultCode expected, Executable call) {
    assertEquals(expected, assertThrows(SheepException.class, call).result());
  }

  final byte[] read(ObjectId oid, long offset, int length) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    objects().read(oid, offset, bytes);
    assertEquals(0, bytes.remaining());
    return bytes.array();
  }

  final boolean exists(ObjectId oid) throws SheepException {
    try {
      read(oid, 0, 1);
      return true;
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return false;
      }
      throw e;
    }
  }

  /** Makes object {@code index} of a VDI, with {@code fill} in all of its first 64 KiB. */
  final ObjectId allocate(VdiId vid, int index, int fill) throws SheepException {
    ObjectId oid = ObjectId.data(vid, index);
    objects().create(oid, 0, filled(1 << 16, fill), Durability.UNSTABLE);
    setIndex(vid, index, vid.value());
    return oid;
  }

  final void setIndex(VdiId vid, int first, int... owners) throws SheepException {
    ByteBuffer bytes =
        ByteBuffer.allocate(owners.length * InodeLayout.INDEX_ENTRY_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    for (int owner : owners) {
      bytes.putInt(owner);
    }
    objects()
        .write(
            ObjectId.inode(vid), InodeLayout.indexOffset(first), bytes.flip(), Durability.UNSTABLE);
  }

  final int indexEntry(VdiId vid, int index) throws SheepException {
    return ByteBuffer.wrap(read(ObjectId.inode(vid), InodeLayout.indexOffset(index), 4))
        .order(ByteOrder.LITTLE_ENDIAN)
        .getInt();
  }

  static ByteBuffer filled(int length, int fill) {
    return ByteBuffer.wrap(filledArray(length, fill));
  }

  static byte[] filledArray(int length, int fill) {
    byte[] bytes = new byte[length];
    java.util.Arrays.fill(bytes, (byte) fill);
    return bytes;
  }

  /** Waits until a condition holds: what a store does by and by. */
  static void eventually(String what, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.call()) {
      if (System.nanoTime() > deadline) {
        fail("not within " + PATIENCE + ": " + what);
      }
      Thread.onSpinWait();
    }
  }

  /** Runs {@code count} tasks at the same time and passes on the first failure. */
  static void inParallel(int count, NumberedTask task) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int number = i;
        running.add(
            threads.submit(
                () -> {
                  task.run(number);
                  return null;
                }));
      }
      for (Future<?> each : running) {
        each.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** A task of {@link #inParallel}. */
  interface NumberedTask {
    void run(int number) throws Exception;
  }
}
