package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Random changes, a power cut at a random moment, and a look at what is left: every VDI and
 * snapshot whose making was acknowledged, every flushed block or something written after it,
 * nothing else. {@code -Dsheepfs.power.cuts=N} says how many.
 */
class PowerCutSimTest {

  private static final int RUNS = Integer.getInteger("sheepfs.power.cuts", 10_000);
  private static final int STEPS = 40;

  @Test
  @Timeout(value = 24, unit = TimeUnit.HOURS) // for campaigns by hand
  void powerCut_atAnyMoment_keepsWhatWasAcknowledged() {
    long seed = Long.getLong("sheepfs.seed", System.nanoTime());
    // on all processors: each has a disk of its own
    IntStream.range(0, RUNS).parallel().forEach(run -> runSeed(seed + run));
  }

  private static void runSeed(long seed) {
    try {
      run(new Random(seed));
    } catch (AssertionError | IOException | RuntimeException e) {
      throw new AssertionError("replay with -Dsheepfs.power.cuts=1 -Dsheepfs.seed=" + seed, e);
    }
  }

  private static void run(Random random) throws IOException {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
      disk.open().close();
      PowerCutDisk power = new PowerCutDisk(disk.store());
      power.forceAll();
      LocalSheep sheep = LocalSheep.open(disk.store(), LocalSheepOptions.defaults(), "one", power);
      power.cutAfter(random.nextInt(200));
      StoreModel model = new StoreModel(random);
      try {
        for (int i = 0; i < STEPS; i++) {
          model.step(sheep);
        }
      } catch (SheepException e) {
        assertEquals(true, power.isOff(), e::toString);
      }
      power.cutAfter(0);
      try {
        sheep.close();
      } catch (IOException noPower) {
        assertEquals(true, power.isOff());
      }
      power.writeRemains(disk.afterwards(), random);
      check(disk, model);
    }
  }

  private static void check(StoreDisk disk, StoreModel model) throws IOException {
    for (int round = 0; round < 2; round++) { // the second time without a repair
      try (LocalSheep sheep =
          LocalSheep.open(
              disk.afterwards(), LocalSheepOptions.defaults(), "two", (change, path) -> {})) {
        model.check(sheep);
        if (round > 0) { // what a client may still name is left until the end of the first
          String state = StoreState.of(sheep);
          assertEquals("leaks []", state.substring(state.lastIndexOf("leaks")));
        }
      }
    }
  }
}
