package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.faulty.FaultPlan;
import io.sheepfs.protocol.faulty.FaultPlan.Call;
import io.sheepfs.protocol.faulty.FaultPlan.Failed;
import io.sheepfs.protocol.faulty.FaultPlan.Fault;
import io.sheepfs.protocol.faulty.FaultPlan.Site;
import io.sheepfs.protocol.faulty.FaultyFileSystem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Each system call of a cache on its disk fails once with EIO, once with ENOSPC if it takes space,
 * and does half once if it reads or writes, which is no failure; then pairs. As {@link
 * CacheFaultTest}, on a real directory; what is not played is a reboot. {@code
 * -Dsheepfs.fault.pairs=N} says how many pairs, {@code -Dsheepfs.seed=N} repeats the requests.
 */
final class CacheCallFaultTest {

  private static final int PAIRS = Integer.getInteger("sheepfs.fault.pairs", 60);
  private static final int STEPS = 60;
  private static final Path MEMORY = Path.of("/dev/shm");
  private static final List<Fault> FAULTS = List.of(Fault.EIO, Fault.ENOSPC, Fault.SHORT);

  private final long seed = Long.getLong("sheepfs.seed", 20261121);
  private Map<Call, Integer> calls = new EnumMap<>(Call.class);
  private Path directory = MEMORY;
  private int told;

  /** In memory if there is a place for it: what is forced takes long elsewhere. */
  @BeforeEach
  void makeDirectory() throws IOException {
    directory =
        Files.isWritable(MEMORY)
            ? Files.createTempDirectory(MEMORY, "sheepfs-cache")
            : Files.createTempDirectory("sheepfs-cache");
  }

  @AfterEach
  void removeDirectory() throws IOException {
    FileDisk.deleteTree(directory);
  }

  @Test
  void anyCallFails_nobodyGetsAWrongByte() throws IOException {
    all(Fault.EIO);
  }

  @Test
  void anyCallFindsNoSpace_nobodyGetsAWrongByte() throws IOException {
    all(Fault.ENOSPC);
  }

  @Test
  void anyCallDoesHalf_nobodyGetsAWrongByte() throws IOException {
    all(Fault.SHORT);
  }

  private void all(Fault fault) throws IOException {
    int number = 0;
    while (run(Set.of(new Site(fault, number))) > 0) {
      number++;
    }
    System.out.printf("%s: %d calls of %s, %d told%n", fault, number, calls, told);
    assertTrue(number > 20, "only " + number);
  }

  @Test
  void twoCallsFail_nobodyGetsAWrongByte() throws IOException {
    Random random = new Random(seed);
    Disk whole = new Disk(Set.of());
    new CacheLife(seed, STEPS, whole).live();
    for (int pair = 0; pair < PAIRS; pair++) {
      Site first = site(random, whole.plan, 0, Integer.MAX_VALUE);
      run(Set.of(first, site(random, whole.plan, first.number() + 1, 1 << random.nextInt(8))));
    }
    System.out.printf("%d pairs: %d told%n", PAIRS, told);
  }

  private static Site site(Random random, FaultPlan whole, int from, int reach) {
    Fault fault = FAULTS.get(random.nextInt(FAULTS.size()));
    return new Site(fault, from + random.nextInt(Math.min(reach, whole.count(fault))));
  }

  /** Returns how many faults there were. */
  private int run(Set<Site> sites) throws IOException {
    FileDisk.deleteTree(directory.resolve("cache"));
    try {
      Disk disk = new Disk(sites);
      CacheLife life = new CacheLife(seed, STEPS, disk);
      life.live();
      told += life.told();
      calls = disk.plan.calls();
      return disk.plan.happened();
    } catch (AssertionError | IOException | RuntimeException e) {
      throw new AssertionError(sites + ", replay with -Dsheepfs.seed=" + seed, e);
    }
  }

  /** The directory of the test. */
  private final class Disk implements CacheLife.Faults {
    private final FaultPlan plan;
    private final Path root;

    Disk(Set<Site> sites) {
      plan = new FaultPlan(sites);
      root =
          new FaultyFileSystem(directory.getFileSystem(), plan, forced -> {})
              .at(directory.resolve("cache"));
    }

    @Override
    public ObjectCache open(ObjectStore backing, CacheOptions options) throws IOException {
      return ObjectCache.open(backing, root, "test", options, Runnable::run);
    }

    @Override
    public @Nullable String takeFresh() {
      List<Failed> failed = plan.takeFresh();
      return failed.isEmpty() ? null : failed.toString();
    }

    @Override
    public int failures() {
      return plan.happened();
    }

    @Override
    public void reboot(Random random) {}
  }
}
