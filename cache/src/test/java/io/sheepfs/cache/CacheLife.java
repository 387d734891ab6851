package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * Random requests to a cache whose disk fails, the same each time: each succeeds, or is told and
 * succeeds when it is made again.
 */
final class CacheLife {

  private static final int BLOCK = 4096;
  private static final int OBJECTS = 2;
  private static final int OBJECT_BYTES = 6 * BLOCK;

  /** The disk, and what is wrong with it. */
  interface Faults {
    /** Opens the cache that is there. */
    ObjectCache open(ObjectStore backing, CacheOptions options) throws IOException;

    /** What failed last, if nobody has asked since. */
    @Nullable String takeFresh();

    /** How many failed. */
    int failures();

    /** The machine starts anew. */
    void reboot(Random random);
  }

  /** Something that is asked of the cache. */
  private interface Request {
    void run() throws SheepException;
  }

  private final MemoryCluster cluster = new MemoryCluster();
  private final int steps;
  private final Faults disk;
  private final VdiId vid;
  private final Random random;
  private final byte[][] expected = new byte[OBJECTS][OBJECT_BYTES];
  private ObjectCache cache;
  private int told;

  /**
   * A life.
   *
   * @param seed of the requests
   * @param steps how many there are
   */
  CacheLife(long seed, int steps, Faults disk) throws IOException {
    this.steps = steps;
    this.random = new Random(seed);
    this.disk = disk;
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
        return disk.open(cluster.objects(), options);
      } catch (IOException e) {
        told++;
        assertNotNull(disk.takeFresh(), e::toString);
      }
    }
  }

  /** How often somebody was told that something failed. */
  int told() {
    return told;
  }

  void live() throws IOException {
    for (int step = 0; step < steps; step++) {
      step();
      if (step == steps / 2) {
        closeAndOpen();
      }
    }
    checkAll();
    closeAndOpen();
    checkAll();
    flush();
    checkWorks();
    close();
    disk.reboot(random);
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
        assertTrue(e.result() == ResultCode.EIO || e.result() == ResultCode.NO_SPACE, e::toString);
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
