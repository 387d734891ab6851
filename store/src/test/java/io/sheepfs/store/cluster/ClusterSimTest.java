package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.store.sim.Rewriter;
import java.util.function.LongFunction;
import org.junit.jupiter.api.Test;

/**
 * Histories of {@link ClusterSim}. More of them with {@code -Dsheepfs.cluster.seeds=1000000}; one
 * of them with {@code -Dsheepfs.seed=N}, which prints its trace if it fails.
 */
final class ClusterSimTest {

  @SuppressWarnings("unchecked")
  private static LongFunction<String> world() throws ReflectiveOperationException {
    Class<?> type =
        new Rewriter(ClusterSimTest.class.getClassLoader())
            .loadClass("io.sheepfs.store.cluster.ClusterSim");
    return (LongFunction<String>) type.getDeclaredConstructor().newInstance();
  }

  @Test
  void histories_keepThePromises() throws ReflectiveOperationException {
    Long only = Long.getLong("sheepfs.seed");
    long first = only == null ? 0 : only;
    long count = only == null ? Long.getLong("sheepfs.cluster.seeds", 100) : 1;
    LongFunction<String> world = world();
    long begun = System.nanoTime();
    for (long seed = first; seed < first + count; seed++) {
      String found = world.apply(seed);
      if (only != null) {
        System.out.println(found);
      }
    }
    System.out.println(count + " histories in " + (System.nanoTime() - begun) / 1_000_000 + " ms");
  }

  @Test
  void history_ofOneSeed_isTheSameAgain() throws ReflectiveOperationException {
    for (long seed = 1; seed <= 5; seed++) {
      assertEquals(world().apply(seed), world().apply(seed));
    }
  }
}
