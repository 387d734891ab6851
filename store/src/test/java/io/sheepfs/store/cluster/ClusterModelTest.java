package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/**
 * Random histories of {@link ClusterModel}. More of them with {@code
 * -Dsheepfs.cluster.seeds=1000000}; one of them with {@code -Dsheepfs.seed=N}.
 */
final class ClusterModelTest {

  private static final int STEPS = 350;

  @Test
  void randomHistories_neverLoseAnAcknowledgedChange() {
    Long only = Long.getLong("sheepfs.seed");
    long first = only == null ? 0 : only;
    long count = only == null ? Long.getLong("sheepfs.cluster.seeds", 1_000) : 1;
    long moves = 0;
    long leftOut = 0;
    long losses = 0;
    for (long seed = first; seed < first + count; seed++) {
      ClusterModel model = new ClusterModel(seed);
      for (int i = 0; i < STEPS; i++) {
        model.step();
      }
      model.end();
      moves += model.moves();
      leftOut += model.leftOut();
      losses += model.losses();
    }
    System.out.printf(
        "%d histories, the ring changed %d times, %d living nodes were left out, %d lost a disk%n",
        count, moves, leftOut, losses);
    assertTrue(moves >= count / 4 || only != null, "the ring hardly changes");
    assertTrue(losses >= count / 10 || only != null, "hardly a disk is lost");
    assertTrue(leftOut >= count / 4 || only != null, "the network hardly fails");
  }
}
