package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Objects that the machine of the store lost before it flushed them, and a client that dies while
 * it makes them again.
 */
final class RemakeTest {

  private static final int BLOCK = BlockMap.BLOCK_BYTES;

  /** A power cut with this loses all that can be lost. */
  private static final class Worst extends Random {
    private static final long serialVersionUID = 1;

    @Override
    public boolean nextBoolean() {
      return true;
    }
  }

  private final SimStore store = new SimStore();
  private final SimDisk disk = new SimDisk(1 << 20);
  private VdiId vid;
  private ObjectId oid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws Exception {
    vid = store.make();
    oid = ObjectId.data(vid, 0);
    cache = open();
  }

  private ObjectCache open() throws IOException {
    CacheOptions options = CacheOptions.defaults().withLimits(1 << 20, 0, 1 << 20);
    return new ObjectCache(store, disk, "test", options, Runnable::run, () -> 0);
  }

  private static ByteBuffer block(int value) {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void name(VdiId owner) throws SheepException {
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    entry.putInt(0, owner.value());
    cache.write(ObjectId.inode(vid), InodeLayout.indexOffset(0), entry, Durability.UNSTABLE);
  }

  private void assertRead(int block, int value) throws SheepException {
    ByteBuffer read = ByteBuffer.allocate(BLOCK);
    cache.read(oid, (long) block * BLOCK, read);
    assertArrayEquals(block(value).array(), read.array());
  }

  /** Dies at the first call of a kind, and comes again. */
  private void dieAt(SimStore.Operation where) throws IOException {
    SimDisk.Image[] image = new SimDisk.Image[1];
    store.setFault(
        (operation, target) -> {
          if (operation == where && image[0] == null) {
            image[0] = disk.image();
          }
          if (image[0] != null) {
            throw new IllegalStateException("killed");
          }
        });
    assertThrows(IllegalStateException.class, () -> cache.flush(vid));
    store.clearFault();
    disk.restore(image[0]);
    cache = open();
  }

  @Test
  void flush_diedWhileMakingALostObjectAgain_namedAndWhole() throws Exception {
    for (SimStore.Operation where :
        new SimStore.Operation[] {
          SimStore.Operation.CREATE,
          SimStore.Operation.READ,
          SimStore.Operation.WRITE,
          SimStore.Operation.FLUSH
        }) {
      cache.create(oid, 0, block(1), Durability.UNSTABLE);
      name(vid);
      cache.write(oid, 2 * BLOCK, block(2), Durability.UNSTABLE);
      store.powerCut(new Worst());
      assertEquals(0, store.owner(vid, 0));
      dieAt(where);
      cache.flush(vid);
      assertEquals(vid.value(), store.owner(vid, 0), "died at " + where);
      cache.purge(vid);
      assertRead(0, 1);
      assertRead(1, 0);
      assertRead(2, 2);
      name(new VdiId(77));
      cache.remove(oid);
      cache.flush(vid);
    }
  }

  @Test
  void flush_objectLostWhileNobodyWasThere_named() throws Exception {
    cache.create(oid, 0, block(1), Durability.UNSTABLE);
    name(vid);
    store.powerCut(new Worst());
    cache = open();
    cache.flush(vid);
    assertEquals(vid.value(), store.owner(vid, 0));
    cache.purge(vid);
    assertRead(0, 1);
  }

  @Test
  void flush_madeEmptyThenReclaimedThenWritten_madeAgain() throws Exception {
    cache.create(oid, 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
    name(vid);
    cache.purge(vid);
    cache.write(oid, 0, block(5), Durability.UNSTABLE);
    store.powerCut(new Worst());
    cache.flush(vid);
    assertEquals(vid.value(), store.owner(vid, 0));
    cache.purge(vid);
    assertRead(0, 5);
  }

  @Test
  void read_storeHasAnEarlierObjectAgain_zeros() throws Exception {
    cache.create(oid, 0, block(1), Durability.UNSTABLE);
    name(vid);
    cache.write(oid, BLOCK, block(1), Durability.UNSTABLE);
    cache.flush(vid);
    cache.remove(oid);
    cache.create(oid, 0, block(2), Durability.UNSTABLE);
    store.powerCut(new Worst());
    assertRead(1, 0);
    assertRead(0, 2);
  }

  @Test
  void flush_copyWhoseSourceIsGone_wasRemoved() throws Exception {
    VdiId parent = vid;
    cache.create(oid, 0, block(1), Durability.UNSTABLE);
    name(parent);
    cache.flush(parent);
    vid = store.snapshot(parent);
    cache.freeze(parent);
    oid = ObjectId.data(vid, 0);
    cache.createCopy(oid, ObjectId.data(parent, 0), 0, block(2), Durability.UNSTABLE);
    name(vid);
    store.delete(parent);
    SimDisk.Image before = disk.image();
    name(new VdiId(77)); // the store removes the copy; the cache dies before it notices
    disk.restore(before);
    cache = open();
    cache.flush(vid);
    assertEquals(77, store.owner(vid, 0));
    assertEquals(0, cache.status().dirtyBytes());
  }

  @Test
  void flush_writtenElsewhereSinceItWasMade_notMadeAgain() throws Exception {
    cache.create(oid, 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
    name(vid);
    cache = open();
    cache.forgetInode(vid);
    cache.purge(vid);
    store.write(oid, 0, block(3), Durability.UNSTABLE);
    cache.flush(vid);
    assertRead(0, 3);
  }
}
