package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/**
 * Random histories of {@link ClusterModel}. More of them with {@code
 * -Dsheepfs.cluster.seeds=1000000}; one of them with {@code -Dsheepfs.seed=N}.
 */
final class ClusterModelTest {

  private static final int STEPS = 250;

  @Test
  void randomHistories_neverLoseAnAcknowledgedChange() {
    Long only = Long.getLong("sheepfs.seed");
    long first = only == null ? 0 : only;
    long count = only == null ? Long.getLong("sheepfs.cluster.seeds", 1_000) : 1;
    long moves = 0;
    for (long seed = first; seed < first + count; seed++) {
      ClusterModel model = new ClusterModel(seed);
      for (int i = 0; i < STEPS; i++) {
        model.step();
      }
      model.end();
      moves += model.moves();
    }
    System.out.println(count + " histories, the ring changed " + moves + " times");
    assertTrue(moves >= count / 4 || only != null, () -> "the ring hardly changes");
  }
}
