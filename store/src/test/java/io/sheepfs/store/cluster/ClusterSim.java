package io.sheepfs.store.cluster;

import io.sheepfs.store.sim.Sim;
import java.net.UnknownHostException;
import java.util.function.LongFunction;

/** Plays histories of a cluster, each of them as a seed says: {@link ClusterHistory}. */
public final class ClusterSim implements LongFunction<String> {

  /** Plays the history of a seed; what it returns is the same each time. */
  @Override
  public String apply(long seed) {
    ClusterHistory[] played = new ClusterHistory[1];
    long digest =
        Sim.run(
            seed,
            () -> {
              try {
                played[0] = new ClusterHistory();
                played[0].play();
              } catch (UnknownHostException e) {
                throw new AssertionError(e);
              }
            });
    return Long.toHexString(digest) + " " + played[0];
  }
}
