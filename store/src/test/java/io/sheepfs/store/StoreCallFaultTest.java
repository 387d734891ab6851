package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.faulty.FaultPlan;
import io.sheepfs.protocol.faulty.FaultPlan.Call;
import io.sheepfs.protocol.faulty.FaultPlan.Failed;
import io.sheepfs.protocol.faulty.FaultPlan.Fault;
import io.sheepfs.protocol.faulty.FaultPlan.Site;
import io.sheepfs.protocol.faulty.FaultyFileSystem;
import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * Each system call of a store fails once with EIO, once with ENOSPC if it takes space (a write half
 * done), and does half of what it was asked once if it reads or writes; then pairs of these. Half
 * is no failure: nobody hears of it. Who asked hears of a failure, or nothing depended on it; the
 * next that is asked succeeds, after a restart if it was a force or if the journal is left; what
 * was flushed is there after a power cut. {@code -Dsheepfs.fault.pairs=N} says how many pairs,
 * {@code -Dsheepfs.seed=N} repeats the changes.
 */
final class StoreCallFaultTest {

  private static final int PAIRS = Integer.getInteger("sheepfs.fault.pairs", 60);
  private static final long SEED = 20261121;
  private static final int STEPS = 40;
  private static final int CRASHES = 3;
  private static final int MANY_CHANGES = 200;

  private static final List<Fault> FAULTS = List.of(Fault.EIO, Fault.ENOSPC, Fault.SHORT);

  /** What a thread is about to force, which may have another name than it was opened by. */
  private static final ThreadLocal<Path> FORCING = new ThreadLocal<>();

  private final long seed = Long.getLong("sheepfs.seed", SEED);
  private Map<Call, Integer> calls = new EnumMap<>(Call.class);
  private int told;
  private int restarts;

  @Test
  void anyCallFails_isToldAndNothingIsLost() throws IOException {
    all(Fault.EIO);
    assertNotEquals(0, told);
  }

  @Test
  void anyCallDoesHalf_nobodyNotices() throws IOException {
    all(Fault.SHORT);
    assertEquals(0, told);
  }

  @Test
  void anyCallFindsNoSpace_isToldAndNothingIsLost() throws IOException {
    all(Fault.ENOSPC);
    assertNotEquals(0, told);
  }

  private void all(Fault fault) throws IOException {
    int number = 0;
    while (run(Set.of(new Site(fault, number))) > 0) {
      number++;
    }
    System.out.printf(
        "%s: %d calls of %s, %d told, %d restarts%n", fault, number, calls, told, restarts);
    assertTrue(number > 20, "only " + number);
  }

  @Test
  void twoCallsFail_nothingIsLost() throws IOException {
    Random random = new Random(seed);
    Run whole = new Run(Set.of());
    whole.run(0);
    for (int pair = 0; pair < PAIRS; pair++) {
      Site first = site(random, whole.plan, 0, Integer.MAX_VALUE);
      Site second = site(random, whole.plan, first.number() + 1, 1 << random.nextInt(8));
      run(Set.of(first, second));
    }
    System.out.printf("%d pairs: %d told, %d restarts%n", PAIRS, told, restarts);
  }

  /** The journal is there when it is opened: it has to be carried out, and not much later. */
  @Test
  void anyCallAfterACrashFails_nothingIsLost() throws IOException {
    int crashes = 0;
    int runs = 0;
    for (int changes = 1; crashes < CRASHES && changes < MANY_CHANGES; changes++) {
      Run crashed = new Run(Set.of());
      if (!crashed.crash(changes)) {
        continue;
      }
      crashes++;
      int number = 0;
      while (run(Set.of(new Site(Fault.EIO, number)), changes) > 0) {
        number++;
        runs++;
      }
    }
    System.out.printf("%d runs after a crash: %d told, %d restarts%n", runs, told, restarts);
    assertTrue(runs > 50 || seed != SEED, "only " + runs); // others may leave no journal
  }

  private static Site site(Random random, FaultPlan whole, int from, int reach) {
    Fault fault = FAULTS.get(random.nextInt(FAULTS.size()));
    return new Site(fault, from + random.nextInt(Math.min(reach, whole.count(fault))));
  }

  /** Returns how many faults there were. */
  private int run(Set<Site> sites) throws IOException {
    return run(sites, 0);
  }

  /** The same after a process that died when it had made some changes; none without a process. */
  private int run(Set<Site> sites, int changes) throws IOException {
    try {
      Run run = new Run(sites);
      run.run(changes);
      calls = run.plan.calls();
      return run.plan.happened();
    } catch (AssertionError | IOException | RuntimeException e) {
      throw new AssertionError(
          sites + " after " + changes + " changes, replay with -Dsheepfs.seed=" + seed, e);
    }
  }

  /** Something done to a store. */
  private interface Step {
    void on(LocalSheep sheep) throws SheepException;
  }

  /** The same changes in each run, as long as nothing fails. */
  private final class Run {
    private final FaultPlan plan;
    private final StoreModel model = new StoreModel(new Random(seed));

    Run(Set<Site> sites) {
      plan = new FaultPlan(sites);
    }

    /** Whether a process that dies after some changes leaves the journal. */
    boolean crash(int changes) throws IOException {
      try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
        disk.open().close();
        crash(disk, new PowerCutDisk(disk.store()), changes);
        return Files.exists(disk.store().resolve("journal"));
      }
    }

    /** All that it wrote is there. */
    private void crash(StoreDisk disk, PowerCutDisk power, int changes) throws IOException {
      LocalSheep sheep = LocalSheep.open(disk.store(), LocalSheepOptions.defaults(), "one", power);
      power.cutAfter(changes);
      try {
        for (int i = 0; i < STEPS; i++) {
          model.step(sheep);
        }
      } catch (SheepException e) {
        assertTrue(power.isOff(), e::toString);
      }
      power.cutAfter(0);
      try {
        sheep.close();
      } catch (IOException e) {
        assertTrue(power.isOff(), e::toString);
      }
      power.cutAfter(Integer.MAX_VALUE);
    }

    void run(int changes) throws IOException {
      try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
        disk.open().close();
        PowerCutDisk power = new PowerCutDisk(disk.store());
        power.forceAll();
        if (changes > 0) {
          crash(disk, power, changes);
        }
        // names are forced in memory by nothing
        FaultyFileSystem faulty =
            new FaultyFileSystem(
                disk.store().getFileSystem(),
                plan,
                opened -> unchecked(() -> power.beforeChange(Disk.Change.FORCE, FORCING.get())));
        Disk.ChangeListener names =
            (change, path) -> {
              if (change == Disk.Change.FORCE) {
                FORCING.set(FaultyFileSystem.real(path));
              } else if (change == Disk.Change.FORCE_DIRECTORY) {
                power.beforeChange(change, FaultyFileSystem.real(path));
              }
            };
        Path root = faulty.at(disk.store());
        LocalSheep sheep = open(root, names);
        resolve(sheep);
        for (int i = changes == 0 ? 0 : STEPS * 3 / 4; i < STEPS; i++) {
          sheep = step(root, names, sheep, model::step);
        }
        while (true) {
          int before = plan.happened();
          sheep = step(root, names, sheep, model::flush);
          if (plan.happened() == before) {
            break;
          }
        }
        plan.pause();
        model.check(sheep);
        sheep.close();
        power.writeRemains(disk.afterwards(), new Random(seed));
        try (LocalSheep two =
            LocalSheep.open(
                disk.afterwards(), LocalSheepOptions.defaults(), "two", (change, path) -> {})) {
          model.check(two);
        }
      }
    }

    private LocalSheep step(Path root, Disk.ChangeListener names, LocalSheep sheep, Step step)
        throws IOException {
      try {
        step.on(sheep);
        // nobody depended on it, or it was tried again
        boolean lasting = plan.takeFresh().stream().anyMatch(Run::isLasting);
        return lasting ? restart(root, names, sheep) : sheep;
      } catch (SheepException e) {
        told++;
        List<Failed> failed = plan.takeFresh();
        assertTrue(!failed.isEmpty(), () -> "it fails although the disk works: " + e);
        assertTrue(e.result() == ResultCode.EIO || e.result() == ResultCode.NO_SPACE, e::toString);
        plan.pause();
        boolean isLeft = Files.exists(root.resolve("journal"));
        plan.resume();
        if (isLeft || failed.stream().anyMatch(Run::isLasting)) {
          return restart(root, names, sheep);
        }
        resolve(sheep);
        return sheep;
      }
    }

    /** What was not forced once is given up until the store is opened anew. */
    private static boolean isLasting(Failed failed) {
      return failed.call() == Call.FORCE;
    }

    private LocalSheep restart(Path root, Disk.ChangeListener names, LocalSheep sheep)
        throws IOException {
      restarts++;
      try {
        sheep.close();
      } catch (IOException e) {
        told++; // it may fail for what failed before
      }
      LocalSheep again = open(root, names);
      List<Failed> unused = plan.takeFresh(); // of what was asked since the failure
      resolve(again);
      return again;
    }

    /** Whoever looks has to see what is there. */
    private void resolve(LocalSheep sheep) throws IOException {
      plan.pause();
      model.resolve(sheep);
      plan.resume();
    }

    private LocalSheep open(Path root, Disk.ChangeListener names) throws IOException {
      while (true) {
        try {
          return LocalSheep.open(root, LocalSheepOptions.defaults(), "one", names);
        } catch (IOException e) {
          told++;
          assertTrue(!plan.takeFresh().isEmpty(), e::toString);
        }
      }
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void unchecked(Work work) {
    try {
      work.run();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
