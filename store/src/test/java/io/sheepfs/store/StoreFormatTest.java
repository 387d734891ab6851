package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.vdi.Headers;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The small files of a store, and what formatting does. */
class StoreFormatTest {

  private static final VdiName NAME = new VdiName("test");
  private static final VdiName DELETED = new VdiName("deleted");
  private static final long CREATED = 1_700_000_000L << 32 | 5;

  private final StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY);

  StoreFormatTest() throws IOException {}

  @AfterEach
  void removeDisk() throws IOException {
    disk.close();
  }

  private LocalSheep openUnformatted() throws IOException {
    return LocalSheep.open(disk.store(), LocalSheepOptions.defaults().withFormatIfNew(false));
  }

  @Test
  void config_encoded_goldenBytes() throws IOException {
    StoreConfig config =
        new StoreConfig(StoreConfig.Kind.ALONE, 0x0102030405060708L, 4, 3, "plain", 22);
    byte[] bytes = config.encode().array();
    assertEquals(
        "0807060504030201"
            + "0400"
            + "03"
            + "706c61696e0000000000000000000000"
            + "00"
            + "00"
            + "16"
            + "034a"
            + "0000000000000000",
        HexFormat.of().formatHex(bytes));
    assertEquals(config, StoreConfig.decode(ByteBuffer.wrap(bytes), true));
  }

  @Test
  void config_ofTheOriginal_isRefusedSayingSo() {
    byte[] original =
        HexFormat.of()
            .parseHex(
                "a898f311a206016b040003706c61696e0000000000000000000000010016060000"
                    + "30eaf512000000");
    IOException e =
        assertThrows(IOException.class, () -> StoreConfig.decode(ByteBuffer.wrap(original), false));
    assertTrue(String.valueOf(e.getMessage()).contains("original"), e::toString);
  }

  @Test
  void epochFile_written_goldenBytes() throws IOException {
    try (LocalSheep sheep = disk.open()) {
      ClusterInfo.Epoch epoch = sheep.info().epochs().get(0);
      assertEquals(1, epoch.number());
      byte[] bytes = Files.readAllBytes(disk.store().resolve("epoch/00000001"));
      assertEquals(88 + 16, bytes.length, "with its seal");
      assertEquals(
          "00".repeat(24 + 12) + "7f000001" + "581b" + "00".repeat(22) + "8000" + "0000",
          HexFormat.of().formatHex(bytes, 0, 68));
      NodeInfo node = epoch.members().get(0);
      assertEquals(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), node.address());
      assertEquals(7000, node.port());
      assertEquals(16_777_343, node.zone());
      assertEquals(128, node.virtualNodes());
    }
  }

  /** Takes the checksums away, as files were before they had any. */
  private void unseal() throws IOException {
    for (StoreImage.Entry entry : StoreImage.of(disk.store()).entries()) {
      String name = String.valueOf(entry.path().getFileName());
      boolean isSealed = !entry.isObject() && !name.equals("lock") && !name.equals("running");
      if (isSealed) {
        byte[] bare = Arrays.copyOf(entry.content(), entry.content().length - 16);
        if (name.equals("config")) {
          bare[30] = (byte) (bare[30] - 2);
        }
        Files.write(entry.path(), bare);
      }
    }
  }

  /** Makes an inode a tombstone, as they were before they said so. */
  private static void bury(Path inode) throws IOException {
    byte[] bytes = Files.readAllBytes(inode);
    Arrays.fill(bytes, 0, InodeLayout.NAME_BYTES, (byte) 0);
    Files.write(inode, bytes);
  }

  private Path inodeFile(VdiId vid) {
    return disk.store().resolve("obj").resolve(ObjectId.inode(vid).toString());
  }

  @Test
  void storeWithoutChecksums_getsThem_whereverThatIsCutShort() throws IOException {
    VdiInfo vdi;
    ObjectId left;
    Path emptyTombstone;
    Path tombstone;
    try (LocalSheep sheep = disk.open()) {
      vdi = sheep.vdis().create(NAME, VdiSpec.ofSize(1 << 30));
      VdiInfo empty = sheep.vdis().create(new VdiName("empty"), VdiSpec.ofSize(1 << 30));
      emptyTombstone = inodeFile(empty.vid());
      VdiInfo deleted = sheep.vdis().create(DELETED, VdiSpec.ofSize(1 << 30));
      LocalSheepTest.allocate(sheep, deleted.vid(), 0, 1, Durability.STABLE);
      left = ObjectId.data(deleted.vid(), 0);
      tombstone = inodeFile(deleted.vid());
    }
    unseal();
    bury(emptyTombstone);
    bury(tombstone); // and its deletion was cut short
    StoreImage before = StoreImage.of(disk.store());
    int changes = Integer.MAX_VALUE;
    for (int site = 0; site < changes; site++) {
      before.restore();
      FailingChanges faults =
          new FailingChanges((change, path) -> {}, Set.of(site), FailingChanges.Errno.EIO);
      try {
        LocalSheep.open(disk.store(), LocalSheepOptions.defaults(), "boot", faults).close();
        changes = faults.count();
      } catch (IOException expected) {
        Throwable cause = expected.getCause() == null ? expected : expected.getCause();
        assertTrue(String.valueOf(cause.getMessage()).contains("injected"), expected::toString);
      }
      try (LocalSheep sheep = disk.open()) {
        assertEquals(List.of(vdi), sheep.vdis().list());
        assertEquals(1, sheep.info().epochs().size());
        assertFalse(sheep.objects().exists(left));
        LocalSheepTest.assertFails(ResultCode.NO_VDI, () -> sheep.vdis().lookup(DELETED));
      }
      for (Path file : List.of(tombstone, emptyTombstone)) {
        byte[] name = Arrays.copyOf(Files.readAllBytes(file), InodeLayout.NAME_BYTES);
        assertEquals("\0deleted\0", new String(name, 0, 9, StandardCharsets.US_ASCII));
      }
      byte[] config = Files.readAllBytes(disk.store().resolve("config"));
      assertEquals(40 + 16, config.length);
      Files.write(disk.store().resolve("config"), Arrays.copyOf(config, 40));
      IOException refused = assertThrows(IOException.class, disk::open, "it is cut off");
      assertTrue(String.valueOf(refused.getMessage()).contains("cut off"), refused::toString);
    }
    assertTrue(changes > 10, "only " + changes + " changes");
  }

  private static InodeHeader header(VdiId vid) {
    byte[] tag = {};
    return new InodeHeader(
        NAME.toBytes(), tag, CREATED, 0, 0, 1 << 30, 0, 0, 0, 3, 22, 1, vid.value(), 0, 0);
  }

  @Test
  void storeOfANodeWithoutChecksums_getsThem() throws IOException {
    Path other = disk.store().resolveSibling("other");
    ClusterStore made = ClusterStore.open(disk.store(), List.of(other));
    made.formatted(7, 0, 3, 22, "plain");
    ObjectId oid = ObjectId.data(new VdiId(7), 1);
    VdiId deleted = new VdiId(8);
    ObjectId inode = ObjectId.inode(deleted);
    made.files().create(inode, 0, header(deleted).encode(), Durability.STABLE);
    Path tombstone = made.files().file(inode);
    made.close(List.of(oid));
    unseal();
    bury(tombstone);
    Path mark = other.resolve("disk");
    Files.write(mark, Arrays.copyOf(Files.readAllBytes(mark), 74));
    for (int i = 0; i < 2; i++) {
      ClusterStore again = ClusterStore.open(disk.store(), List.of(other));
      assertEquals(made.id(), again.id());
      assertEquals(7, again.createTime());
      assertEquals(List.of(oid), again.suspects());
      InodeHeader header = Headers.sound(again.files(), inode);
      assertTrue(header != null && header.isDeleted(), "it is a tombstone");
      again.close(List.of(oid));
    }
    assertEquals(40 + 16, Files.size(disk.store().resolve("config")));
    IOException refused = assertThrows(IOException.class, disk::open);
    assertTrue(
        String.valueOf(refused.getMessage()).contains("that of a node of a cluster, not"),
        refused::toString);
  }

  @Test
  void unformattedStore_anyRequest_waitsForFormat() throws IOException {
    try (LocalSheep sheep = openUnformatted()) {
      assertEquals(ResultCode.WAIT_FOR_FORMAT, sheep.info().state());
      LocalSheepTest.assertFails(ResultCode.WAIT_FOR_FORMAT, () -> sheep.vdis().list());
      LocalSheepTest.assertFails(
          ResultCode.WAIT_FOR_FORMAT, () -> sheep.objects().flush(new VdiId(1)));
      LocalSheepTest.assertFails(
          ResultCode.NO_STORE, () -> sheep.format(CREATED, 0, 0, 0, "butter"));
      sheep.format(CREATED, 3, 21, 4, "plain");
    }
    try (LocalSheep sheep = openUnformatted()) {
      ClusterInfo info = sheep.info();
      assertEquals(ResultCode.SUCCESS, info.state());
      assertEquals(Instant.ofEpochSecond(1_700_000_000L, 5), info.created());
      assertEquals(3, info.copies());
      assertEquals(21, info.blockSizeShift());
      assertEquals(4, info.flags());
      assertEquals(21, sheep.vdis().create(NAME, VdiSpec.ofSize(1)).blockSizeShift());
    }
  }

  @Test
  void format_storeInUse_leavesNothingOfIt() throws IOException {
    try (LocalSheep sheep = disk.open()) {
      VdiInfo vdi = sheep.vdis().create(NAME, VdiSpec.ofSize(1 << 30));
      LocalSheepTest.allocate(sheep, vdi.vid(), 0, 1, Durability.UNSTABLE);
      assertNotNull(sheep.vdis().lock(NAME));
      sheep.format(CREATED, 1, 0, 0, "plain");
      assertEquals(List.of(), sheep.vdis().list());
      assertEquals(List.of(), sheep.objects().list());
      LocalSheepTest.assertFails(
          ResultCode.NO_OBJ, () -> LocalSheepTest.read(sheep, ObjectId.inode(vdi.vid()), 0, 1));
      assertEquals(vdi.vid(), sheep.vdis().create(NAME, VdiSpec.ofSize(1)).vid());
      sheep.vdis().lock(NAME).close();
    }
  }

  @Test
  void bitmaps_ofUsedAndDeletedIds_asOnTheWire() throws IOException {
    try (LocalSheep sheep = disk.open()) {
      int id = sheep.vdis().create(NAME, VdiSpec.ofSize(1)).vid().value();
      assertEquals(0x7c2b25, id);
      sheep.vdis().delete(NAME);
      sheep.vdis().create(NAME, VdiSpec.ofSize(1));
      byte[] used = sheep.vdiStore().table().idsInUse();
      byte[] deleted = sheep.vdiStore().table().deletedIds();
      assertEquals(2 << 20, used.length);
      assertEquals(0b11 << (id % 8), used[id / 8]);
      assertEquals(0b01 << (id % 8), deleted[id / 8]);
    }
  }

  @Test
  void digest_ofShortObject_coversTheWholeObject() throws IOException {
    try (LocalSheep sheep = disk.open()) {
      VdiInfo vdi = sheep.vdis().create(NAME, new VdiSpec(1 << 20, 1, 20));
      ObjectId oid = ObjectId.data(vdi.vid(), 0);
      sheep.objects().create(oid, 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
      assertEquals(
          "3b71f43ff30f4b15b5cd85dd9e95ebc7e84eb5a3",
          HexFormat.of().formatHex(sheep.objects().digest(oid)));
    }
  }

  @Test
  void open_linkInPlaceOfAnObject_isNotFollowed() throws IOException {
    try (LocalSheep sheep = disk.open()) {
      VdiInfo vdi = sheep.vdis().create(NAME, VdiSpec.ofSize(1 << 30));
      Path secret = Files.writeString(disk.store().resolve("secret"), "secret");
      ObjectId oid = ObjectId.data(vdi.vid(), 0);
      Path link = disk.store().resolve("obj").resolve(oid.toString());
      Files.createSymbolicLink(link, secret);
      LocalSheepTest.assertFails(ResultCode.EIO, () -> LocalSheepTest.read(sheep, oid, 0, 6));
      assertFalse(sheep.objects().exists(oid));
      Files.delete(secret);
    }
  }
}
