package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.store.sim.Rewriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Histories of {@link ClusterSim}: the first ones, as many as there is time for. Others with {@code
 * -Dsheepfs.cluster.seeds=1000000 -Dsheepfs.cluster.first=0}, however long they take; one of them
 * with {@code -Dsheepfs.seed=N}. A failure prints its seed and its trace.
 */
final class ClusterSimTest {

  private static final long SEEDS = 500;
  private static final Duration TIME = Duration.ofSeconds(40);
  private static final int WORLDS = 2;

  /** Classes of its own, so that it knows nothing of any other. */
  @SuppressWarnings("unchecked")
  private static LongFunction<String> world() throws ReflectiveOperationException {
    Class<?> type =
        new Rewriter(ClusterSimTest.class.getClassLoader())
            .loadClass("io.sheepfs.store.cluster.ClusterSim");
    return (LongFunction<String>) type.getDeclaredConstructor().newInstance();
  }

  @Test
  @Timeout(value = 24, unit = TimeUnit.HOURS)
  void histories_keepThePromises() throws Exception {
    Long only = Long.getLong("sheepfs.seed");
    Long wanted = Long.getLong("sheepfs.cluster.seeds");
    long first = only != null ? only : Long.getLong("sheepfs.cluster.first", 0);
    long count = only != null ? 1 : wanted != null ? wanted : SEEDS;
    Duration time = wanted == null && only == null ? TIME : Duration.ofDays(1);
    long end = System.nanoTime() + time.toNanos();
    AtomicLong next = new AtomicLong(first);
    AtomicLong done = new AtomicLong();
    ExecutorService threads = Executors.newFixedThreadPool(WORLDS);
    List<Future<?>> worlds = new ArrayList<>();
    for (int i = 0; i < WORLDS; i++) {
      LongFunction<String> world = world();
      worlds.add(
          threads.submit(
              () -> {
                long seed = next.getAndIncrement();
                while (seed < first + count && System.nanoTime() < end) {
                  String unused = world.apply(seed);
                  done.incrementAndGet();
                  seed = next.getAndIncrement();
                }
              }));
    }
    for (Future<?> world : worlds) {
      awaitEnd(world, done);
    }
    threads.shutdown();
    System.out.println(done + " histories of a cluster");
    assertTrue(done.get() > 0, "none was played");
  }

  private static void awaitEnd(Future<?> world, AtomicLong done)
      throws InterruptedException, ExecutionException {
    long before = -1;
    while (true) {
      try {
        Object unused = world.get(10, TimeUnit.MINUTES);
        return;
      } catch (TimeoutException e) {
        assertTrue(done.get() > before, "a history does not end");
        before = done.get();
      }
    }
  }

  @Test
  void history_ofOneSeed_isTheSameAgain() throws ReflectiveOperationException {
    for (long seed = 1; seed <= 3; seed++) {
      assertEquals(world().apply(seed), world().apply(seed));
    }
  }
}
