package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.FailingChannels.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Each system call of a store that reads or writes a file does half of what it was asked once,
 * fails once, and fails once half done. Half is no failure: nobody hears of it. Who asked hears of
 * a failure, and the next that is asked succeeds; what was flushed is there after a power cut.
 * {@code -Dsheepfs.seed=N} repeats the changes.
 */
final class StoreCallFaultTest {

  private static final int STEPS = 40;

  private final long seed = Long.getLong("sheepfs.seed", 20261122);
  private int told;

  @Test
  void anyReadFails_isToldAndNothingIsLost() throws IOException {
    all(Kind.READ_ERROR);
    assertNotEquals(0, told);
  }

  @Test
  void anyCallDoesHalf_nobodyNotices() throws IOException {
    all(Kind.SHORT);
    assertEquals(0, told);
  }

  @Test
  void anyWriteStopsHalfDone_isToldAndNothingIsLost() throws IOException {
    all(Kind.HALF_WRITTEN);
    assertNotEquals(0, told);
  }

  private void all(Kind kind) throws IOException {
    int site = 0;
    while (run(kind, site)) {
      site++;
    }
    System.out.printf("%s: %d calls, %d errors told%n", kind, site, told);
    assertTrue(site > 20, "only " + site);
  }

  /** False if there were not so many calls. */
  private boolean run(Kind kind, int site) throws IOException {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
      disk.open().close();
      PowerCutDisk power = new PowerCutDisk(disk.store());
      power.forceAll();
      FailingChannels faults = new FailingChannels(power, kind, site);
      StoreModel model = new StoreModel(new Random(seed));
      LocalSheep sheep = open(disk.store(), faults);
      for (int i = 0; i < STEPS; i++) {
        sheep = step(disk.store(), sheep, model, faults);
      }
      model.flush(sheep);
      faults.pause(true);
      model.check(sheep);
      sheep.close();
      power.writeRemains(disk.afterwards(), new Random(seed));
      try (LocalSheep two =
          LocalSheep.open(
              disk.afterwards(), LocalSheepOptions.defaults(), "two", (change, path) -> {})) {
        model.check(two);
      }
      return faults.hasHappened();
    } catch (AssertionError | IOException | RuntimeException e) {
      throw new AssertionError(
          kind + " at call " + site + ", replay with -Dsheepfs.seed=" + seed, e);
    }
  }

  private LocalSheep step(Path root, LocalSheep sheep, StoreModel model, FailingChannels faults)
      throws IOException {
    try {
      model.step(sheep);
      return sheep;
    } catch (SheepException e) {
      told++;
      assertTrue(faults.takeFresh(), () -> "it fails although the disk works: " + e);
      assertTrue(e.result() == ResultCode.EIO || e.result() == ResultCode.NO_SPACE, e::toString);
    }
    faults.pause(true);
    LocalSheep now = sheep;
    if (Files.exists(root.resolve("journal"))) { // carried out when it is opened anew
      sheep.close();
      now = LocalSheep.open(root, LocalSheepOptions.defaults(), "one", faults);
    }
    model.resolve(now);
    faults.pause(false);
    return now;
  }

  private LocalSheep open(Path root, FailingChannels faults) throws IOException {
    while (true) {
      try {
        return LocalSheep.open(root, LocalSheepOptions.defaults(), "one", faults);
      } catch (IOException e) {
        told++;
        assertTrue(faults.takeFresh(), e::toString);
      }
    }
  }
}
