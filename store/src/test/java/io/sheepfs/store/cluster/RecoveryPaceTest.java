package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class RecoveryPaceTest {

  private final AtomicBoolean isServing = new AtomicBoolean();
  private final AtomicLong clock = new AtomicLong();
  private final List<Duration> pauses = new ArrayList<>();
  private final RecoveryPace pace =
      new RecoveryPace(isServing::get, clock::get, time -> pauses.add(time));

  private void take(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  @Test
  void nobodyIsServed_noPause() throws Exception {
    pace.move(() -> take(Duration.ofMillis(40)));
    assertEquals(List.of(), pauses);
  }

  @Test
  void clientsAreServed_pauseAsLongAsTheMove_butNotForEver() throws Exception {
    isServing.set(true);
    pace.move(() -> take(Duration.ofMillis(40)));
    pace.move(() -> take(Duration.ofSeconds(40)));
    assertEquals(List.of(Duration.ofMillis(40), Duration.ofSeconds(1)), pauses);
  }

  @Test
  void clientsAreServed_oneMoveAtATime() throws Exception {
    isServing.set(true);
    AtomicInteger underWay = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    try (Threads threads = new Threads()) {
      List<Future<?>> moves = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        moves.add(
            threads.submit(
                () -> {
                  for (int n = 0; n < 1_000; n++) {
                    pace.move(
                        () -> {
                          most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
                          Thread.onSpinWait();
                          underWay.decrementAndGet();
                        });
                  }
                  return true;
                }));
      }
      for (Future<?> move : moves) {
        assertEquals(true, move.get());
      }
    }
    assertEquals(1, most.get());
  }

  /** All three meet inside. */
  @Test
  void nobodyIsServed_manyAtATime() throws Exception {
    CyclicBarrier all = new CyclicBarrier(3);
    try (Threads threads = new Threads()) {
      List<Future<?>> moves = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        moves.add(
            threads.submit(
                () -> {
                  pace.move(
                      () -> {
                        try {
                          all.await(30, TimeUnit.SECONDS);
                        } catch (Exception e) {
                          throw new SheepException(ResultCode.EIO, "not all meet", e);
                        }
                      });
                  return true;
                }));
      }
      for (Future<?> move : moves) {
        assertEquals(true, move.get());
      }
    }
  }

  @Test
  void moveThatFails_letsTheNextOneBegin() throws Exception {
    isServing.set(true);
    assertThrows(
        SheepException.class,
        () ->
            pace.move(
                () -> {
                  throw new SheepException(ResultCode.NO_OBJ, "gone");
                }));
    CountDownLatch done = new CountDownLatch(1);
    try (Threads threads = new Threads()) {
      Future<?> unused =
          threads.submit(
              () -> {
                pace.move(done::countDown);
                return true;
              });
      assertTrue(done.await(30, TimeUnit.SECONDS));
    }
  }

  @Test
  void service_countsForHalfASecond() {
    Service service = new Service(clock::get);
    assertFalse(service.isBusy());
    service.served();
    take(Duration.ofMillis(490));
    assertTrue(service.isBusy());
    service.served();
    take(Duration.ofMillis(490));
    assertTrue(service.isBusy());
    take(Duration.ofMillis(20));
    assertFalse(service.isBusy());
  }

  private static final class Threads implements AutoCloseable {
    private final ExecutorService pool = Executors.newFixedThreadPool(3);

    <T> Future<T> submit(java.util.concurrent.Callable<T> work) {
      return pool.submit(work);
    }

    @Override
    public void close() {
      pool.shutdownNow();
    }
  }
}
