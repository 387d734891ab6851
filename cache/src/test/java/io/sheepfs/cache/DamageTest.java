package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is wrong in a cache directory is found, and never returned or pushed as data. */
@Timeout(120)
final class DamageTest {

  private static final int BLOCK = 4096;

  private final MemoryCluster cluster = new MemoryCluster();
  private @TempDir Path folder;
  private Path directory;
  private VdiId vid;
  private ObjectId oid;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    directory = folder.resolve("cache");
    vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64L << 20)).vid();
    oid = ObjectId.data(vid, 3);
    open();
    cache.create(oid, 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
    for (int block = 0; block < 8; block++) {
      write(block, block + 1);
    }
    cache.flush(vid);
  }

  private void open() throws IOException {
    CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
    cache = ObjectCache.open(cluster.objects(), directory, "test", options, Runnable::run);
  }

  @AfterEach
  void closeCache() throws IOException {
    cache.close();
  }

  private void write(int block, int value) throws SheepException {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    cache.write(oid, (long) block * BLOCK, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
  }

  private void assertReads(int block, int value) throws SheepException {
    byte[] expected = new byte[BLOCK];
    Arrays.fill(expected, (byte) value);
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    cache.read(oid, (long) block * BLOCK, bytes);
    assertArrayEquals(expected, bytes.array());
  }

  private void assertStored(int block, int value) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    cluster.objects().read(oid, (long) block * BLOCK, bytes);
    assertEquals(value, bytes.get(BLOCK - 1));
    assertEquals(value, bytes.get(0));
  }

  private Path vdiFolder() {
    return directory.resolve(HexFormat.of().toHexDigits(vid.value(), 6));
  }

  private Path file() {
    return vdiFolder().resolve(HexFormat.of().toHexDigits(oid.index()));
  }

  private static void flipByte(Path path, long at) throws IOException {
    try (FileChannel file =
        FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      file.read(one, at);
      one.put(0, (byte) (one.get(0) ^ 0x10)).rewind();
      file.write(one, at);
    }
  }

  private static void assertEio(SheepException e) {
    assertEquals(ResultCode.EIO, e.result());
  }

  @Test
  void read_cleanBlockDamaged_fetchedAgain() throws Exception {
    flipByte(file(), 2 * BLOCK + 17);
    cluster.resetCalls();
    for (int block = 0; block < 8; block++) {
      assertReads(block, block + 1);
    }
    assertEquals(1, cluster.calls(Operation.READ));
    assertEquals(1, cache.status().damagedBlocks());
    cluster.resetCalls();
    assertReads(2, 3);
    assertEquals(0, cluster.calls());
    cache.assertInvariants();
  }

  @Test
  void read_partOfDamagedBlock_fetchedAgain() throws Exception {
    flipByte(file(), 2 * BLOCK + 4000);
    ByteBuffer bytes = ByteBuffer.allocate(10);
    cache.read(oid, 2 * BLOCK + 5, bytes);
    assertEquals(3, bytes.get(9));
    assertEquals(1, cache.status().damagedBlocks());
  }

  @Test
  void write_partOfDamagedBlock_keepsTheRestAsItWas() throws Exception {
    flipByte(file(), 2 * BLOCK + 4000);
    cache.write(oid, 2 * BLOCK + 5, ByteBuffer.wrap(new byte[] {77}), Durability.UNSTABLE);
    cache.flush(vid);
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    cluster.objects().read(oid, 2 * BLOCK, bytes);
    byte[] expected = new byte[BLOCK];
    Arrays.fill(expected, (byte) 3);
    expected[5] = 77;
    assertArrayEquals(expected, bytes.array());
  }

  @Test
  void flush_dirtyBlockDamaged_failsUntilItIsOverwrittenAndPushesTheRest() throws Exception {
    write(1, 51);
    write(2, 52);
    write(3, 53);
    flipByte(file(), 2 * BLOCK);
    assertEio(assertThrows(SheepException.class, () -> assertReads(2, 52)));
    for (int i = 0; i < 3; i++) {
      assertEio(assertThrows(SheepException.class, () -> cache.flush(vid)));
    }
    assertStored(1, 51);
    assertStored(2, 3);
    assertStored(3, 53);
    assertReads(1, 51);
    cache.assertInvariants();
    write(2, 62);
    cache.flush(vid);
    assertStored(2, 62);
    assertEquals(0, cache.status().dirtyBytes());
  }

  @Test
  void read_fileOfAnotherObjectInItsPlace_fetchedFromTheStore() throws Exception {
    ObjectId other = ObjectId.data(vid, 4);
    cache.create(other, 0, ByteBuffer.allocate(8 * BLOCK), Durability.UNSTABLE);
    cache.flush(vid);
    cache.close();
    Files.copy(vdiFolder().resolve("00000004"), folder.resolve("copy"));
    Files.delete(file());
    Files.move(folder.resolve("copy"), file());
    open();
    for (int block = 0; block < 8; block++) {
      assertReads(block, block + 1);
    }
  }

  @Test
  void open_objectFileCutShort_neverReadsAsZeros() throws Exception {
    cache.close();
    try (FileChannel file = FileChannel.open(file(), StandardOpenOption.WRITE)) {
      file.truncate(0);
    }
    open();
    for (int block = 0; block < 8; block++) {
      assertReads(block, block + 1);
    }
  }

  @Test
  void open_mapsChangedSinceClose_setAside() throws Exception {
    write(1, 51);
    cache.close();
    flipByte(vdiFolder().resolve("maps"), 4096 + 64);
    open();
    assertEquals(0, cache.status().validBytes());
    assertTrue(Files.isDirectory(directory.resolve("quarantine")));
    assertReads(1, 2);
  }

  @Test
  void open_mapHeaderDamaged_setAside() throws Exception {
    cache.close();
    flipByte(vdiFolder().resolve("maps"), 16);
    open();
    assertEquals(0, cache.status().validBytes());
    assertReads(1, 2);
  }

  @Test
  void open_stateRecordDamaged_allSetAside() throws Exception {
    write(1, 51);
    cache.close();
    flipByte(directory.resolve("state"), 30);
    open();
    assertEquals(0, cache.status().validBytes());
    assertReads(1, 2);
    assertTrue(Files.isDirectory(directory.resolve("quarantine")));
  }

  @Test
  void open_recordOfALaterVersion_refusedAndNotTouched() throws Exception {
    cache.close();
    Path state = directory.resolve("state");
    byte[] before = Files.readAllBytes(state);
    Files.writeString(state, "sheepfs-cache 9\nsomething else\n");
    assertThrows(IOException.class, this::open);
    assertTrue(Files.exists(file()));
    Files.write(state, before);
    open();
    assertReads(1, 2);
  }

  @Test
  void open_foreignFiles_setAside() throws Exception {
    cache.close();
    Files.writeString(directory.resolve("notes.txt"), "mine");
    Files.writeString(vdiFolder().resolve("notes.txt"), "mine, too");
    Files.createSymbolicLink(vdiFolder().resolve("00000009"), folder.resolve("nowhere"));
    open();
    assertFalse(Files.exists(directory.resolve("notes.txt")));
    assertTrue(Files.exists(directory.resolve("quarantine").resolve("notes.txt")));
    assertReads(1, 2);
  }
}
