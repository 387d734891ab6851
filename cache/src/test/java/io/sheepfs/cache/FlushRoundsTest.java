package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Flushes that share rounds. */
@Timeout(120)
final class FlushRoundsTest {

  private final FlushRounds rounds = new FlushRounds();
  private final AtomicInteger ran = new AtomicInteger();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch goOn = new CountDownLatch(1);

  @AfterEach
  void stopThreads() {
    goOn.countDown();
    threads.shutdownNow();
  }

  /** A round that is running when this returns, until {@link #goOn}. */
  private Future<?> longRound() throws InterruptedException {
    CountDownLatch running = new CountDownLatch(1);
    Future<?> first =
        threads.submit(
            () -> {
              rounds.join(
                  () -> {
                    ran.incrementAndGet();
                    running.countDown();
                    await();
                  });
              return null;
            });
    running.await(60, TimeUnit.SECONDS);
    return first;
  }

  private void await() {
    try {
      goOn.await(60, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private List<Future<?>> joinMeanwhile(int count, FlushRounds.Round round) {
    List<Future<?>> joined = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Thread[] thread = new Thread[1];
      Future<?> other =
          threads.submit(
              () -> {
                thread[0] = Thread.currentThread();
                rounds.join(round);
                return null;
              });
      Waiting.untilWaitsOrDone(thread, other);
      assertFalse(other.isDone(), "what came late is not covered by the round that was running");
      joined.add(other);
    }
    return joined;
  }

  @Test
  void join_whileARoundRuns_oneMoreForAll() throws Exception {
    Future<?> first = longRound();
    List<Future<?>> others = joinMeanwhile(3, ran::incrementAndGet);
    goOn.countDown();
    first.get(60, TimeUnit.SECONDS);
    for (Future<?> other : others) {
      other.get(60, TimeUnit.SECONDS);
    }
    assertEquals(2, ran.get());
    rounds.join(ran::incrementAndGet);
    assertEquals(3, ran.get());
  }

  @Test
  void join_roundFails_allThatShareItFail() throws Exception {
    Future<?> first = longRound();
    List<Future<?>> others =
        joinMeanwhile(
            3,
            () -> {
              ran.incrementAndGet();
              throw new SheepException(ResultCode.EIO, "flush");
            });
    goOn.countDown();
    first.get(60, TimeUnit.SECONDS);
    for (Future<?> other : others) {
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> other.get(60, TimeUnit.SECONDS));
      assertEquals(ResultCode.EIO, assertInstanceOf(SheepException.class, e.getCause()).result());
    }
    assertEquals(2, ran.get());
    rounds.join(ran::incrementAndGet);
  }
}
