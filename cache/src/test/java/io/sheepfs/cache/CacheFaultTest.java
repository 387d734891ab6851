package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.cache.FailingDisk.Errno;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
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
  private static final int BLOCK = 4096;
  private static final int OBJECTS = 2;
  private static final int OBJECT_BYTES = 6 * BLOCK;

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
    Life whole = new Life(Set.of(), Errno.EIO);
    whole.live();
    for (int pair = 0; pair < PAIRS; pair++) {
      int first = random.nextInt(whole.disk.count());
      int second = first + 1 + random.nextInt(1 << random.nextInt(8));
      run(Set.of(first, second), random.nextBoolean() ? Errno.EIO : Errno.ENOSPC);
    }
    System.out.printf("%d pairs: %d told%n", PAIRS, told);
  }

  /** Returns how many failed. */
  private int run(Set<Integer> failing, Errno error) throws IOException {
    try {
      Life life = new Life(failing, error);
      life.live();
      sites.putAll(life.disk.counts());
      return life.disk.failures();
    } catch (AssertionError | IOException | RuntimeException e) {
      throw new AssertionError(
          error + " at operations " + failing + ", replay with -Dsheepfs.seed=" + seed, e);
    }
  }

  /** Something that is asked of the cache. */
  private interface Request {
    void run() throws SheepException;
  }

  /** The same requests each time. */
  private final class Life {
    private final MemoryCluster cluster = new MemoryCluster();
    private final SimDisk real = new SimDisk(1 << 16);
    private final FailingDisk disk;
    private final VdiId vid;
    private final Random random = new Random(seed);
    private final byte[][] expected = new byte[OBJECTS][OBJECT_BYTES];
    private ObjectCache cache;

    Life(Set<Integer> failing, Errno error) throws IOException {
      disk = new FailingDisk(real, failing, error);
      vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
      for (int object = 0; object < OBJECTS; object++) {
        ByteBuffer nothing = ByteBuffer.allocate(0);
        cluster.objects().create(oid(object), 0, nothing, Durability.STABLE);
      }
      cache = open();
    }

    private ObjectId oid(int object) {
      return ObjectId.data(vid, object);
    }

    private ObjectCache open() throws IOException {
      CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
      while (true) {
        try {
          return new ObjectCache(
              cluster.objects(), disk.disk(), "test", options, Runnable::run, System::nanoTime);
        } catch (IOException e) {
          told++;
          assertNotNull(disk.takeFresh(), e::toString);
        }
      }
    }

    void live() throws IOException {
      for (int step = 0; step < STEPS; step++) {
        step();
        if (step == STEPS / 2) {
          closeAndOpen();
        }
      }
      checkAll();
      closeAndOpen();
      checkAll();
      flush();
      checkWorks();
      close();
      real.reboot(random);
      cache = open();
      checkAll();
      close();
      cluster.close();
    }

    /** If it fails, the disk did; made again it must succeed. */
    private void ask(Request request) throws SheepException {
      String failed = "";
      while (true) {
        try {
          request.run();
          disk.takeFresh(); // nobody depended on it
          return;
        } catch (SheepException e) {
          told++;
          String last = failed;
          failed = disk.takeFresh();
          assertNotNull(failed, () -> "it fails again after " + last + ": " + e);
          assertTrue(
              e.result() == ResultCode.EIO || e.result() == ResultCode.NO_SPACE, e::toString);
        }
      }
    }

    private void step() throws SheepException {
      int object = random.nextInt(OBJECTS);
      switch (random.nextInt(16)) {
        case 0 -> flush();
        case 1 -> cache.maintain();
        case 2 -> cache.purge(vid);
        case 3 -> {
          int from = random.nextInt(OBJECT_BYTES);
          int length = 1 + random.nextInt(OBJECT_BYTES - from);
          ask(() -> cache.discard(oid(object), from, length, Durability.UNSTABLE));
          Arrays.fill(expected[object], from, from + length, (byte) 0);
        }
        case 4, 5, 6, 7 -> check(object);
        case 8, 9, 10 -> {
          int from = random.nextInt(OBJECT_BYTES);
          write(object, from, 1 + random.nextInt(Math.min(2 * BLOCK, OBJECT_BYTES - from)));
        }
        default -> write(object, random.nextInt(OBJECT_BYTES / BLOCK) * BLOCK, BLOCK);
      }
    }

    private void write(int object, int from, int length) throws SheepException {
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      ask(() -> cache.write(oid(object), from, ByteBuffer.wrap(bytes), Durability.UNSTABLE));
      System.arraycopy(bytes, 0, expected[object], from, length);
    }

    private void check(int object) throws SheepException {
      byte[] found = new byte[OBJECT_BYTES];
      ask(() -> cache.read(oid(object), 0, ByteBuffer.wrap(found)));
      assertEquals(-1, Arrays.mismatch(expected[object], found), "first wrong byte of a read");
    }

    private void checkAll() throws SheepException {
      for (int object = 0; object < OBJECTS; object++) {
        check(object);
      }
      cache.assertInvariants();
    }

    private void flush() throws SheepException {
      ask(() -> cache.flush(vid));
      for (int object = 0; object < OBJECTS; object++) {
        byte[] found = new byte[OBJECT_BYTES];
        cluster.objects().read(oid(object), 0, ByteBuffer.wrap(found));
        assertEquals(-1, Arrays.mismatch(expected[object], found), "first wrong byte after flush");
      }
    }

    /** Writes are held back: they cost the store nothing. */
    private void checkWorks() throws SheepException {
      int failures = -1;
      while (failures < disk.failures()) { // else one of them was just now
        failures = disk.failures();
        cache.maintain(); // which looks whether the disk works again
        check(0);
        write(0, 0, BLOCK);
        cluster.resetCalls();
        write(0, 0, BLOCK);
      }
      assertEquals(0, cluster.calls(), "a write goes to the store");
      flush();
    }

    private void closeAndOpen() throws IOException {
      close();
      cache = open();
    }

    private void close() {
      try {
        cache.close();
      } catch (IOException e) {
        told++;
        assertNotNull(disk.takeFresh(), e::toString);
      }
    }
  }
}
