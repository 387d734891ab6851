package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.cache.FailingDisk.Errno;
import io.sheepfs.protocol.ObjectStore;
import java.io.IOException;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * Each operation of a cache on its disk fails once, with EIO and, half done, with ENOSPC; then
 * pairs of them. A request succeeds, or is told and succeeds when it is made again; a flush that
 * succeeds has all in the store; afterwards the cache holds writes back again, and is right when it
 * is opened anew, in the same boot and in another. {@code -Dsheepfs.fault.pairs=N} says how many
 * pairs, {@code -Dsheepfs.seed=N} repeats the requests.
 */
final class CacheFaultTest {

  private static final int PAIRS = Integer.getInteger("sheepfs.fault.pairs", 100);
  private static final int STEPS = 120;

  private final long seed = Long.getLong("sheepfs.seed", 20261121);
  private final Map<String, Integer> sites = new TreeMap<>();
  private int told;

  @Test
  void anyOperationFails_nobodyGetsAWrongByte() throws IOException {
    int runs = 0;
    for (Errno error : Errno.values()) {
      int site = 0;
      while (run(Set.of(site), error) > 0) {
        site++;
        runs++;
      }
    }
    System.out.printf("%d runs with a failing operation of %s: %d told%n", runs, sites, told);
    assertTrue(runs > 100, "only " + runs);
  }

  @Test
  void twoOperationsFail_nobodyGetsAWrongByte() throws IOException {
    Random random = new Random(seed);
    Disk whole = new Disk(Set.of(), Errno.EIO);
    new CacheLife(seed, STEPS, whole).live();
    for (int pair = 0; pair < PAIRS; pair++) {
      int first = random.nextInt(whole.failing.count());
      int second = first + 1 + random.nextInt(1 << random.nextInt(8));
      run(Set.of(first, second), random.nextBoolean() ? Errno.EIO : Errno.ENOSPC);
    }
    System.out.printf("%d pairs: %d told%n", PAIRS, told);
  }

  /** Returns how many failed. */
  private int run(Set<Integer> failing, Errno error) throws IOException {
    try {
      Disk disk = new Disk(failing, error);
      CacheLife life = new CacheLife(seed, STEPS, disk);
      life.live();
      told += life.told();
      sites.putAll(disk.failing.counts());
      return disk.failures();
    } catch (AssertionError | IOException | RuntimeException e) {
      throw new AssertionError(
          error + " at operations " + failing + ", replay with -Dsheepfs.seed=" + seed, e);
    }
  }

  /** A disk in memory. */
  private static final class Disk implements CacheLife.Faults {
    private final SimDisk real = new SimDisk(1 << 16);
    private final FailingDisk failing;

    Disk(Set<Integer> sites, Errno error) {
      failing = new FailingDisk(real, sites, error);
    }

    @Override
    public ObjectCache open(ObjectStore backing, CacheOptions options) throws IOException {
      return new ObjectCache(
          backing, failing.disk(), "test", options, Runnable::run, System::nanoTime);
    }

    @Override
    public @Nullable String takeFresh() {
      return failing.takeFresh();
    }

    @Override
    public int failures() {
      return failing.failures();
    }

    @Override
    public void reboot(Random random) {
      real.reboot(random);
    }
  }
}
