package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * One bit of what a cache keeps on its disk flips: in a clean block, in a dirty one, in the maps
 * while it is closed, in the record of its state. A clean block is fetched again; a dirty one is an
 * error until it is overwritten; of maps and records all is set aside. No wrong byte is read, and
 * none gets to the store. {@code -Dsheepfs.flips=N} says how many, {@code -Dsheepfs.seed=N} repeats
 * them.
 */
final class BitFlipTest {

  private static final int FLIPS = Integer.getInteger("sheepfs.flips", 1000);
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 8;
  private static final int OBJECT_BYTES = BLOCKS * BLOCK;

  private final long seed = Long.getLong("sheepfs.seed", 20261121);
  private int clean;
  private int dirty;
  private int setAside;
  private int unused;

  @Test
  void bits_flipped_areFound() throws IOException {
    for (int flip = 0; flip < FLIPS; flip++) {
      try (Cached cached = new Cached(new Random(seed + flip))) {
        cached.run();
      } catch (AssertionError | IOException | RuntimeException e) {
        throw new AssertionError(
            "replay with -Dsheepfs.flips=1 -Dsheepfs.seed=" + (seed + flip), e);
      }
    }
    System.out.printf(
        "%d bits flipped: %d in clean blocks, fetched again; %d in dirty ones, refused;"
            + " %d in maps and records, set aside; %d in parts of them that nobody uses%n",
        FLIPS, clean, dirty, setAside, unused);
    assertEquals(FLIPS, clean + dirty + setAside + unused);
  }

  /** A cache with clean and dirty blocks. */
  private final class Cached implements AutoCloseable {
    private final Random random;
    private final MemoryCluster cluster = new MemoryCluster();
    private final SimDisk disk = new SimDisk(1 << 16);
    private final ObjectId oid;
    private final VdiId vid;

    /** What is in the store, and what was written last. */
    private final byte[] stored = new byte[OBJECT_BYTES];

    private final byte[] written = new byte[OBJECT_BYTES];
    private final boolean[] isDirty = new boolean[BLOCKS];
    private ObjectCache cache;

    Cached(Random random) throws IOException {
      this.random = random;
      vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
      oid = ObjectId.data(vid, 0);
      random.nextBytes(stored);
      cluster.objects().create(oid, 0, ByteBuffer.wrap(stored), Durability.STABLE);
      System.arraycopy(stored, 0, written, 0, OBJECT_BYTES);
      cache = open();
    }

    private ObjectCache open() throws IOException {
      CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
      return new ObjectCache(
          cluster.objects(), disk, "test", options, Runnable::run, System::nanoTime);
    }

    void run() throws IOException {
      cache.read(oid, 0, ByteBuffer.allocate(OBJECT_BYTES));
      for (int block = 0; block < BLOCKS; block++) {
        isDirty[block] = random.nextInt(3) == 0;
        if (isDirty[block]) {
          write(block);
        }
      }
      boolean isOpen = random.nextBoolean();
      if (!isOpen) {
        cache.close();
      }
      if (isOpen || random.nextInt(4) > 0) {
        int bit = random.nextInt(OBJECT_BYTES * 8);
        disk.flipFile(vid, 0, bit);
        if (!isOpen) {
          cache = open();
        }
        checkBlocks(bit / 8 / BLOCK);
      } else {
        flipBesides();
      }
    }

    private void write(int block) throws SheepException {
      byte[] bytes = new byte[BLOCK];
      random.nextBytes(bytes);
      cache.write(oid, (long) block * BLOCK, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
      System.arraycopy(bytes, 0, written, block * BLOCK, BLOCK);
    }

    private boolean has(byte[] expected, int block, byte[] found) {
      return Arrays.equals(expected, block * BLOCK, (block + 1) * BLOCK, found, 0, BLOCK);
    }

    private byte[] read(int block) throws SheepException {
      byte[] found = new byte[BLOCK];
      cache.read(oid, (long) block * BLOCK, ByteBuffer.wrap(found));
      return found;
    }

    private void checkBlocks(int damaged) throws IOException {
      for (int block = 0; block < BLOCKS; block++) {
        if (block == damaged && isDirty[block]) {
          assertRefused(block);
        } else {
          assertTrue(has(written, block, read(block)), "block " + block + " is wrong");
        }
      }
      if (isDirty[damaged]) {
        dirty++;
        assertFlushRefused();
        checkStore();
        write(damaged);
      } else {
        clean++;
        assertEquals(1, cache.status().damagedBlocks());
      }
      cache.flush(vid);
      System.arraycopy(written, 0, stored, 0, OBJECT_BYTES);
      checkStore();
    }

    private void assertRefused(int block) {
      try {
        byte[] found = read(block);
        throw new AssertionError(
            "block " + block + " is read, right: " + has(written, block, found));
      } catch (SheepException e) {
        assertEquals(ResultCode.EIO, e.result());
      }
    }

    private void assertFlushRefused() {
      try {
        cache.flush(vid);
      } catch (SheepException e) {
        return;
      }
      throw new AssertionError("a flush succeeds that cannot have all");
    }

    /** Each block of the store as it was, or as it was written. */
    private void checkStore() throws SheepException {
      byte[] found = new byte[OBJECT_BYTES];
      cluster.objects().read(oid, 0, ByteBuffer.wrap(found));
      for (int block = 0; block < BLOCKS; block++) {
        byte[] one = Arrays.copyOfRange(found, block * BLOCK, (block + 1) * BLOCK);
        assertTrue(
            has(stored, block, one) || has(written, block, one),
            "block " + block + " of the store is wrong");
      }
    }

    /** All or nothing is believed; what was not flushed may be lost then. */
    private void flipBesides() throws IOException {
      if (random.nextInt(4) == 0) {
        disk.flipState(random.nextInt(1 << 16));
      } else {
        disk.flipMaps(vid, random.nextInt(disk.usedMapBytes(vid) * 8));
      }
      try {
        cache = open();
      } catch (IOException refused) {
        setAside++; // as a whole, with a reason
        disk.deleteVdi(vid);
        disk.writeState(new CacheState("test", disk.bootId(), false).toBytes());
        cache = open();
        return;
      }
      boolean isGone = cache.status().validBytes() == 0;
      for (int block = 0; block < BLOCKS; block++) {
        byte[] found = read(block);
        assertTrue(has(isGone ? stored : written, block, found), "block " + block + " is wrong");
      }
      if (isGone) {
        setAside++;
      } else {
        unused++;
      }
      cache.flush(vid);
      checkStore();
    }

    @Override
    public void close() throws IOException {
      cache.close();
      cluster.close();
    }
  }
}
