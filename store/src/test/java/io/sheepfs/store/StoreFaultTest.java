package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.FailingChanges.Errno;
import io.sheepfs.store.FailingChanges.Failed;
import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Each change that a store makes of its disk fails once, with EIO and with ENOSPC; then pairs of
 * them. Whoever asked for it is told, or nothing depended on it; what was flushed is there after a
 * power cut; the store works again, at once, unless the failure was a force or left the journal
 * behind: then nothing is acknowledged until it is opened anew. {@code -Dsheepfs.fault.pairs=N}
 * says how many pairs, {@code -Dsheepfs.seed=N} repeats the changes.
 */
final class StoreFaultTest {

  private static final int PAIRS = Integer.getInteger("sheepfs.fault.pairs", 60);
  private static final int STEPS = 40;

  /** Of these one fails, one fails since that one did, and one succeeds after a restart. */
  private static final int FLUSHES = 3;

  private final long seed = Long.getLong("sheepfs.seed", 20261121);
  private final Map<Disk.Change, Integer> sites = new EnumMap<>(Disk.Change.class);
  private int told;
  private int restarts;

  @Test
  void anyChangeFails_nothingAcknowledgedIsLost() throws IOException {
    int runs = 0;
    for (Errno error : Errno.values()) {
      int site = 0;
      while (run(Set.of(site), error) > 0) {
        site++;
        runs++;
      }
    }
    System.out.printf(
        "%d runs with a failing change of %s: %d errors told, %d restarts%n",
        runs, sites, told, restarts);
    assertTrue(runs > 100, "only " + runs);
  }

  @Test
  void twoChangesFail_nothingAcknowledgedIsLost() throws IOException {
    Random random = new Random(seed);
    Run whole = new Run(Set.of(), Errno.EIO);
    whole.run();
    int count = whole.faults.count();
    for (int pair = 0; pair < PAIRS; pair++) {
      int first = random.nextInt(count);
      int second = first + 1 + random.nextInt(1 << random.nextInt(8));
      run(Set.of(first, second), random.nextBoolean() ? Errno.EIO : Errno.ENOSPC);
    }
    System.out.printf("%d pairs: %d errors told, %d restarts%n", PAIRS, told, restarts);
  }

  /** Returns how many failed. */
  private int run(Set<Integer> failing, Errno error) throws IOException {
    try {
      Run run = new Run(failing, error);
      run.run();
      sites.putAll(run.faults.counts());
      return run.faults.failures();
    } catch (AssertionError | IOException | RuntimeException e) {
      throw new AssertionError(
          error + " at changes " + failing + ", replay with -Dsheepfs.seed=" + seed, e);
    }
  }

  @Test
  void format_anyChangeFails_nextOpenWorks() throws IOException {
    for (Errno error : Errno.values()) {
      int failures = 1;
      for (int site = 0; failures > 0; site++) {
        try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
          FailingChanges faults = new FailingChanges((change, path) -> {}, Set.of(site), error);
          try (LocalSheep sheep = open(disk.store(), faults)) {
            assertEquals(ResultCode.SUCCESS, sheep.state());
          } catch (IOException e) {
            assertTrue(!faults.takeFresh().isEmpty(), e::toString);
          }
          failures = faults.failures();
          try (LocalSheep sheep = disk.open()) {
            sheep.vdis().create(new VdiName("disk"), VdiSpec.ofSize(1 << 20));
            sheep.flushAll();
          }
        }
      }
    }
  }

  private static LocalSheep open(Path root, Disk.ChangeListener listener) throws IOException {
    return LocalSheep.open(root, LocalSheepOptions.defaults(), "one", listener);
  }

  /** The same changes in each run, as long as nothing fails. */
  private final class Run {
    private final Set<Integer> failing;
    private final Errno error;
    private final StoreModel model = new StoreModel(new Random(seed));
    private FailingChanges faults;

    Run(Set<Integer> failing, Errno error) {
      this.failing = failing;
      this.error = error;
      this.faults = new FailingChanges((change, path) -> {}, Set.of(), error);
    }

    void run() throws IOException {
      try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
        disk.open().close();
        PowerCutDisk power = new PowerCutDisk(disk.store());
        power.forceAll();
        faults = new FailingChanges(power, failing, error);
        LocalSheep sheep = openAgain(disk.store());
        for (int i = 0; i < STEPS; i++) {
          sheep = step(disk.store(), sheep, model::step);
        }
        for (int i = 0; i < FLUSHES; i++) {
          sheep = step(disk.store(), sheep, model::flush);
        }
        model.check(sheep);
        close(sheep);
        power.writeRemains(disk.afterwards(), new Random(seed));
        try (LocalSheep two =
            LocalSheep.open(
                disk.afterwards(), LocalSheepOptions.defaults(), "two", (change, path) -> {})) {
          model.check(two);
        }
      }
    }

    /** A failure must be one that was made; the next step works, after a restart if need be. */
    private LocalSheep step(Path root, LocalSheep sheep, Step step) throws IOException {
      try {
        step.on(sheep);
        List<Failed> unseen = faults.takeFresh();
        unseen.forEach(failed -> assertStaysUnflushed(sheep, failed));
        return unseen.stream().anyMatch(Run::isLasting) ? restart(root, sheep) : sheep;
      } catch (SheepException e) {
        told++;
        assertTrue(e.result() == ResultCode.EIO || e.result() == ResultCode.NO_SPACE, e::toString);
        List<Failed> fresh = faults.takeFresh();
        assertTrue(!fresh.isEmpty(), () -> "it fails although the disk works: " + e);
        fresh.forEach(failed -> assertStaysUnflushed(sheep, failed));
        if (fresh.stream().anyMatch(Run::isLasting) || Files.exists(root.resolve("journal"))) {
          return restart(root, sheep);
        }
        model.resolve(sheep);
        return sheep;
      }
    }

    /** What was not forced once is given up until the store is opened anew. */
    private static boolean isLasting(Failed failed) {
      return failed.change() == Disk.Change.FORCE || failed.change() == Disk.Change.FORCE_DIRECTORY;
    }

    /** What the kernel did not write once it may have dropped: no later flush must succeed. */
    private void assertStaysUnflushed(LocalSheep sheep, Failed failed) {
      String name = String.valueOf(failed.path().getFileName());
      if (failed.change() != Disk.Change.FORCE || !name.matches("[0-9a-f]{16}")) {
        return;
      }
      ObjectId oid = new ObjectId(Long.parseUnsignedLong(name, 16));
      if (oid.isData() && Files.exists(failed.path())) {
        assertThrows(SheepException.class, () -> sheep.objects().flush(oid.vid()), name);
      }
    }

    private LocalSheep restart(Path root, LocalSheep sheep) throws IOException {
      restarts++;
      close(sheep);
      LocalSheep again = openAgain(root);
      faults.takeFresh(); // of what was asked since the failure
      model.resolve(again);
      return again;
    }

    private LocalSheep openAgain(Path root) throws IOException {
      while (true) {
        try {
          return open(root, faults);
        } catch (IOException e) {
          told++;
          assertTrue(!faults.takeFresh().isEmpty(), e::toString);
        }
      }
    }

    private void close(LocalSheep sheep) {
      try {
        sheep.close();
      } catch (IOException e) {
        told++;
        assertTrue(!faults.takeFresh().isEmpty(), e::toString);
      }
    }
  }

  /** Something done to a store. */
  private interface Step {
    void on(LocalSheep sheep) throws SheepException;
  }
}
