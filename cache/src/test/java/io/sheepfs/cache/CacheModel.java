package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;

/**
 * A cache over a cluster in memory, and beside it what each half block may read as. Every write has
 * its own byte value, so foreign or stale content shows.
 *
 * <p>A unit is half a block: the smallest piece that is written. {@code now} is what it must read
 * as; after a power cut it may be any value since it was last durable, and is then pinned to the
 * one that is read.
 */
final class CacheModel {

  static final int UNIT = BlockMap.BLOCK_BYTES / 2;
  static final int BLOCKS = 4;
  private static final int OBJECTS = 2;

  private final MemoryCluster cluster = new MemoryCluster(20).rememberForPowerCut();
  private final SimDisk disk = new SimDisk();
  private final Random random;
  private final VdiId vid;
  private final int[][] now = new int[OBJECTS][BLOCKS * 2];
  private final Set<Integer>[][] possible = newSets();
  private final boolean[] exists = new boolean[OBJECTS];
  private int lastValue;
  private boolean loose;
  private boolean lost;
  private long nanos;
  private ObjectCache cache;

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static Set<Integer>[][] newSets() {
    Set<Integer>[][] sets = new Set[OBJECTS][BLOCKS * 2];
    for (Set<Integer>[] units : sets) {
      Arrays.setAll(units, i -> new HashSet<>(Set.of(0)));
    }
    return sets;
  }

  CacheModel(Random random) throws IOException {
    this.random = random;
    VdiInfo vdi = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(2L << 20));
    this.vid = vdi.vid();
    this.cache = open();
    for (int object = 0; object < OBJECTS; object++) {
      create(object);
    }
    flush();
  }

  private ObjectCache open() throws IOException {
    CacheOptions options =
        new CacheOptions(
            CacheMode.WRITEBACK,
            1 << 20,
            0,
            1 << 20,
            Duration.ofSeconds(2),
            Duration.ofSeconds(4),
            BlockMap.BLOCK_BYTES * 2,
            4);
    return new ObjectCache(cluster.objects(), disk, "sim", options, Runnable::run, () -> nanos);
  }

  private ObjectId oid(int object) {
    return ObjectId.data(vid, object);
  }

  private void setIndex(int object, int owner) throws SheepException {
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, owner);
    cache.write(ObjectId.inode(vid), InodeLayout.indexOffset(object), entry, Durability.UNSTABLE);
  }

  private void create(int object) throws SheepException {
    cache.create(oid(object), 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
    setIndex(object, vid.value());
    exists[object] = true;
    for (int unit = 0; unit < BLOCKS * 2; unit++) {
      set(object, unit, 0);
    }
  }

  private void set(int object, int unit, int value) {
    now[object][unit] = value;
    possible[object][unit].add(value);
  }

  /** Writes units; makes the object if it was deleted. */
  void write(int object, int from, int to) throws SheepException {
    if (!exists[object]) {
      create(object);
    }
    lastValue = lastValue % 120 + 1;
    byte[] bytes = new byte[(to - from) * UNIT];
    Arrays.fill(bytes, (byte) lastValue);
    cache.write(oid(object), (long) from * UNIT, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
    for (int unit = from; unit < to; unit++) {
      set(object, unit, lastValue);
    }
  }

  void discard(int object, int from, int to) throws SheepException {
    cache.discard(oid(object), (long) from * UNIT, (long) (to - from) * UNIT, Durability.UNSTABLE);
    for (int unit = from; exists[object] && unit < to; unit++) {
      set(object, unit, 0);
    }
  }

  void read(int object, int from, int to) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate((to - from) * UNIT);
    if (!exists[object]) {
      try {
        cache.read(oid(object), 0, bytes);
        throw new AssertionError("a deleted object was read");
      } catch (SheepException e) {
        assertEquals(ResultCode.NO_OBJ, e.result());
      }
      return;
    }
    cache.read(oid(object), (long) from * UNIT, bytes);
    for (int i = 0; i < bytes.capacity(); i++) {
      int unit = from + i / UNIT;
      if (now[object][unit] != bytes.get(i)) {
        throw new AssertionError(
            ("object " + object + ", unit " + unit + ": " + bytes.get(i))
                + (" instead of " + now[object][unit]));
      }
    }
  }

  void flush() throws SheepException {
    cache.flush(vid);
    loose = false;
    lost = false;
    for (int object = 0; object < OBJECTS; object++) {
      for (int unit = 0; unit < BLOCKS * 2; unit++) {
        possible[object][unit].clear();
        possible[object][unit].add(now[object][unit]);
      }
    }
  }

  /** A flush that the store refuses, at its pushes or at its end. */
  void failFlush(boolean atTheEnd) {
    cluster.setFault(
        MemoryCluster.Fault.failing(
            call ->
                call.operation()
                    == (atTheEnd ? MemoryCluster.Operation.FLUSH : MemoryCluster.Operation.WRITE),
            ResultCode.EIO));
    try {
      flush(); // may succeed if all had been pushed before; then it must be durable
      assertTrue(!atTheEnd, "a flush succeeded that the store refused");
    } catch (SheepException e) {
      assertEquals(ResultCode.EIO, e.result());
    } finally {
      cluster.setFault(MemoryCluster.Fault.none());
    }
  }

  /** kill -9: nothing that was written is lost. */
  void crash() throws IOException {
    cache = open();
  }

  void closeAndReboot() throws IOException {
    cache.close();
    disk.reboot(random);
    cache = open();
  }

  /** A power cut: each unit is now one of what it was since it was durable. */
  void reboot() throws IOException {
    if (lost) {
      flush(); // what is on neither side any more is lost by right
    }
    disk.reboot(random);
    cache = open();
    loose = true;
    for (int object = 0; object < OBJECTS; object++) {
      for (int unit = 0; exists[object] && unit < BLOCKS * 2; unit++) {
        ByteBuffer bytes = ByteBuffer.allocate(UNIT);
        cache.read(oid(object), (long) unit * UNIT, bytes);
        int value = bytes.get(0);
        for (int i = 1; i < UNIT; i++) {
          assertEquals(value, bytes.get(i), "torn unit " + unit);
        }
        assertTrue(
            possible[object][unit].contains(value),
            "object "
                + object
                + ", unit "
                + unit
                + " is "
                + value
                + ", not of "
                + possible[object][unit]);
        now[object][unit] = value;
      }
    }
  }

  /** The machine under the store loses what it had not flushed, and is back at once. */
  void losePushes() throws SheepException {
    if (loose) {
      flush(); // nobody holds what was deleted, or was lost here, but not yet there
    }
    cluster.powerCut(random);
    lost = true;
  }

  void reclaim() {
    cache.purge(vid);
  }

  void delete(int object) throws SheepException {
    if (!exists[object]) {
      return;
    }
    setIndex(object, 0);
    exists[object] = false;
    loose = true;
    cache.remove(oid(object));
  }

  /** Time passes, and maintenance with it. */
  void pass(long seconds) {
    nanos += seconds * 1_000_000_000L;
    cache.maintain();
  }

  void setDiskFailing(boolean fails) {
    disk.setFailing(fails);
  }

  void check() throws SheepException {
    cache.assertInvariants();
    for (int object = 0; object < OBJECTS; object++) {
      read(object, 0, BLOCKS * 2);
    }
    cache.assertInvariants();
  }
}
