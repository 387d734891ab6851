package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.store.sim.Rewriter;
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
 * Histories of {@link ClusterSim}, as many as the build says. Others with {@code
 * -Dsheepfs.cluster.seeds=1000000 -Dsheepfs.cluster.first=0}; one of them with {@code
 * -Dsheepfs.seed=N}. A failure prints its seed and its trace.
 */
final class ClusterSimTest {

  private static final long SEEDS = Long.getLong("sheepfs.cluster.histories", 1_000);
  private static final int WORLDS = 2;

  /** One history in so many is played twice. */
  private static final int AGAIN = 50;

  private final ClassLoader classes = new Rewriter(ClusterSimTest.class.getClassLoader());

  private LongFunction<String> world() throws ReflectiveOperationException {
    return world(classes, "ClusterSim");
  }

  @SuppressWarnings("unchecked")
  private static LongFunction<String> world(ClassLoader classes, String name)
      throws ReflectiveOperationException {
    Class<?> type = classes.loadClass("io.sheepfs.store.cluster." + name);
    return (LongFunction<String>) type.getDeclaredConstructor().newInstance();
  }

  @Test
  @Timeout(value = 24, unit = TimeUnit.HOURS)
  void histories_keepThePromises_andAreTheSameAgain() throws Exception {
    Long only = Long.getLong("sheepfs.seed");
    long first = only != null ? only : Long.getLong("sheepfs.cluster.first", 0);
    long count = only != null ? 1 : Long.getLong("sheepfs.cluster.seeds", SEEDS);
    AtomicLong next = new AtomicLong(first);
    AtomicLong done = new AtomicLong();
    ExecutorService threads = Executors.newFixedThreadPool(WORLDS);
    List<Future<?>> worlds = new ArrayList<>();
    for (int i = 0; i < WORLDS; i++) {
      LongFunction<String> world = world();
      worlds.add(
          threads.submit(
              () -> {
                try {
                  play(world, next, first + count, done);
                } finally {
                  next.addAndGet(count); // a failure ends the other, too
                }
              }));
    }
    for (Future<?> world : worlds) {
      awaitEnd(world, done);
    }
    threads.shutdown();
    System.out.println(done + " histories of a cluster");
    assertEquals(count, done.get());
  }

  private static void play(LongFunction<String> world, AtomicLong next, long end, AtomicLong done) {
    for (long seed = next.getAndIncrement(); seed < end; seed = next.getAndIncrement()) {
      String history = world.apply(seed);
      if (seed % AGAIN == 0) {
        assertEquals(history, world.apply(seed), "seed " + seed);
      }
      done.incrementAndGet();
    }
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
  void changeUnderAnEarlierLease_comesLate_isRefused() throws ReflectiveOperationException {
    LongFunction<String> story = world(classes, "LateWriteStory");
    for (long seed = 0; seed < 20; seed++) {
      String unused = story.apply(seed);
    }
  }

  /** In a world that knows nothing of an earlier one, too. */
  @Test
  void history_ofOneSeed_isTheSameInAnotherWorld() throws ReflectiveOperationException {
    ClassLoader fresh = new Rewriter(ClusterSimTest.class.getClassLoader());
    LongFunction<String> other = world(fresh, "ClusterSim");
    for (long seed = 1; seed <= 3; seed++) {
      assertEquals(world().apply(seed), other.apply(seed));
    }
  }
}
