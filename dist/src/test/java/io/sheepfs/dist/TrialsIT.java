package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What judges the trials of a cluster, which are run by hand, has to be right itself. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class TrialsIT {

  @Test
  void linearizability_ofHistoriesGoodAndBad_isToldApart() throws Exception {
    String output =
        Shell.check(
            "python3", MountedStore.ROOT.resolve("scripts/trials/linearizability.py").toString());
    assertTrue(output.contains("all told apart"), output);
  }
}
