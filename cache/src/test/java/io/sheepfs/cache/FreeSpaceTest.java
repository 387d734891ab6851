package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.cache.CacheOptions.DiskAccess;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A file system under the cache that others fill, down to what it must have free. */
final class FreeSpaceTest {

  private static final int BLOCK = BlockMap.BLOCK_BYTES;
  private static final int OBJECTS = 40;
  private static final int UNIT = CacheOptions.defaults().readAheadBytes();
  private static final long FLOOR = 64 << 20;

  private final MemoryCluster cluster = new MemoryCluster(20);
  private @TempDir Path directory;
  private FaultyDisk disk;
  private VdiId vid;
  private ObjectCache cache;

  /** What would be free if the cache were empty. */
  private long room = 1L << 30;

  @BeforeEach
  void openCache() throws IOException {
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    disk = new FaultyDisk(FileDisk.open(directory.resolve("cache"), DiskAccess.PLAIN));
    CacheOptions options = CacheOptions.defaults().withLimits(1 << 30, FLOOR, 64 << 20);
    cache = new ObjectCache(cluster.objects(), disk, "test", options, Runnable::run, () -> 0);
    disk.setFree(this::freeBytes);
    for (int i = 0; i < OBJECTS; i++) {
      cluster.objects().create(ObjectId.data(vid, i), 0, filled(i + 1, BLOCK), Durability.STABLE);
    }
    cache.maintain();
  }

  @AfterEach
  void closeCache() throws IOException {
    cache.close();
  }

  private long freeBytes() {
    return room - cache.status().validBytes();
  }

  private static ByteBuffer filled(int value, int length) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void assertReads(int object, int value) throws SheepException {
    ByteBuffer read = ByteBuffer.allocate(BLOCK);
    cache.read(ObjectId.data(vid, object), 0, read);
    assertArrayEquals(filled(value, BLOCK).array(), read.array());
  }

  private void write(int object, int value) throws SheepException {
    cache.write(ObjectId.data(vid, object), 0, filled(value, BLOCK), Durability.UNSTABLE);
  }

  private void readAll() throws SheepException {
    for (int i = 0; i < OBJECTS; i++) {
      assertReads(i, i + 1);
    }
  }

  @Test
  void spaceShrinks_theFloorIsKept() throws Exception {
    readAll();
    assertEquals((long) OBJECTS * UNIT, cache.status().validBytes());
    for (int left = OBJECTS - 1; left >= 0; left -= 13) {
      room = FLOOR + (long) left * UNIT;
      cache.maintain();
      assertTrue(freeBytes() >= FLOOR, "free " + freeBytes());
      assertEquals((long) left * UNIT, cache.status().validBytes(), "no more than needed goes");
      readAll();
      assertTrue(freeBytes() >= FLOOR, "free " + freeBytes() + " after reads");
    }
  }

  @Test
  void spaceIsGone_nothingIsKeptOrLostUntilItIsBack() throws Exception {
    readAll();
    write(3, 103);
    room = 0;
    cache.maintain();
    assertEquals(BLOCK, cache.status().dirtyBytes(), "what is dirty stays");
    assertTrue(cache.status().validBytes() <= UNIT, "all else goes");
    assertReads(3, 103);
    cluster.resetCalls();
    write(5, 105);
    write(3, 113);
    assertEquals(2, cluster.calls(Operation.WRITE), "written through");
    for (int i = 0; i < OBJECTS; i++) {
      assertReads(i, i == 3 ? 113 : i == 5 ? 105 : i + 1);
    }
    assertTrue(cache.status().validBytes() <= UNIT);
    room = 1L << 30;
    cache.maintain();
    assertReads(7, 8);
    cluster.resetCalls();
    write(7, 107);
    assertReads(7, 107);
    assertEquals(0, cluster.calls(), "it is held back again");
    cache.flush(vid);
    ByteBuffer stored = ByteBuffer.allocate(BLOCK);
    for (int object : new int[] {3, 5, 7}) {
      cluster.objects().read(ObjectId.data(vid, object), 0, stored.clear());
      assertEquals(object == 3 ? 113 : 100 + object, stored.get(9));
    }
    cache.assertInvariants();
  }
}
