package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Call;
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
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Objects that go while they are fetched or pushed. */
@Timeout(120)
final class DeleteRaceTest {

  private static final int BLOCK = 4096;

  private final MemoryCluster cluster = new MemoryCluster();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch reached = new CountDownLatch(1);
  private final CountDownLatch goOn = new CountDownLatch(1);
  private VdiId vid;
  private ObjectId oid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    oid = ObjectId.data(vid, 0);
    CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
    SimDisk disk = new SimDisk(4 << 20);
    cache =
        new ObjectCache(cluster.objects(), disk, "test", options, Runnable::run, System::nanoTime);
    cluster.objects().create(oid, 0, ByteBuffer.allocate(BLOCK), Durability.STABLE);
  }

  @AfterEach
  void closeCache() throws IOException {
    goOn.countDown();
    cluster.setFault(Fault.none());
    cache.close();
    threads.shutdownNow();
  }

  /** Holds the first call of a kind when its work is done, until {@link #goOn}. */
  private void hold(Operation operation) {
    cluster.setFault(
        new Fault() {
          @Override
          public void before(Call call) {}

          @Override
          public void after(Call call) {
            if (call.operation() == operation && oid.equals(call.oid())) {
              reached.countDown();
              try {
                goOn.await(60, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            }
          }
        });
  }

  private void assertGone() {
    assertEquals(List.of(), cache.vdis());
    assertEquals(0, cache.status().dirtyBytes());
    SheepException e =
        assertThrows(SheepException.class, () -> cache.read(oid, 0, ByteBuffer.allocate(BLOCK)));
    assertEquals(ResultCode.NO_OBJ, e.result());
    cache.assertInvariants();
  }

  @Test
  void deletedWhileFetched_whatComesIsNotKept() throws Exception {
    hold(Operation.READ);
    Future<?> reader =
        threads.submit(
            () -> {
              try {
                cache.read(oid, 0, ByteBuffer.allocate(BLOCK));
              } catch (SheepException e) {
                assertEquals(ResultCode.NO_OBJ, e.result());
              }
            });
    reached.await(60, TimeUnit.SECONDS);
    cache.remove(oid);
    goOn.countDown();
    reader.get(60, TimeUnit.SECONDS);
    assertGone();
  }

  @Test
  void readWhileFetched_oneFetchForBoth() throws Exception {
    cache.read(oid, 1 << 20, ByteBuffer.allocate(BLOCK));
    cluster.resetCalls();
    hold(Operation.READ);
    Future<?> first = threads.submit(() -> readFirst(new Thread[1]));
    reached.await(60, TimeUnit.SECONDS);
    Thread[] thread = new Thread[1];
    Future<?> second = threads.submit(() -> readFirst(thread));
    Waiting.untilWaitsOrDone(thread, second);
    goOn.countDown();
    first.get(60, TimeUnit.SECONDS);
    second.get(60, TimeUnit.SECONDS);
    assertEquals(1, cluster.calls(Operation.READ));
  }

  private @Nullable Void readFirst(Thread[] thread) throws SheepException {
    thread[0] = Thread.currentThread();
    cache.read(oid, 0, ByteBuffer.allocate(BLOCK));
    return null;
  }

  @Test
  void deletedWhilePushed_goneAndNothingPushedAfterwards() throws Exception {
    cache.read(oid, 0, ByteBuffer.allocate(BLOCK));
    cache.write(oid, 0, ByteBuffer.allocate(2 * BLOCK), Durability.UNSTABLE);
    hold(Operation.WRITE);
    Future<?> flush =
        threads.submit(
            () -> {
              cache.flush(vid);
              return null;
            });
    reached.await(60, TimeUnit.SECONDS);
    Future<?> delete =
        threads.submit(
            () -> {
              cache.remove(oid);
              return null;
            });
    goOn.countDown();
    flush.get(60, TimeUnit.SECONDS);
    delete.get(60, TimeUnit.SECONDS);
    assertGone();
  }

  @Test
  void vdiForgottenWhilePushed_nothingLeft() throws Exception {
    cache.read(oid, 0, ByteBuffer.allocate(BLOCK));
    cache.write(oid, 0, ByteBuffer.allocate(2 * BLOCK), Durability.UNSTABLE);
    hold(Operation.WRITE);
    Future<?> flush =
        threads.submit(
            () -> {
              cache.flush(vid);
              return null;
            });
    reached.await(60, TimeUnit.SECONDS);
    cluster.objects().remove(oid);
    Future<?> forget =
        threads.submit(
            () -> {
              cache.forget(vid);
              return null;
            });
    goOn.countDown();
    flush.get(60, TimeUnit.SECONDS);
    forget.get(60, TimeUnit.SECONDS);
    assertGone();
  }
}
