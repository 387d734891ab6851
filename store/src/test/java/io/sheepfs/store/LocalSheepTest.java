package io.sheepfs.store;

import static io.sheepfs.protocol.Durability.STABLE;
import static io.sheepfs.protocol.Durability.UNSTABLE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class LocalSheepTest {

  private static final VdiName NAME = new VdiName("disk one");
  private static final long MIB = 1 << 20;

  static ByteBuffer bytes(int count, int value) {
    byte[] bytes = new byte[count];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  static byte[] read(LocalSheep sheep, ObjectId oid, long offset, int count) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(count);
    sheep.objects().read(oid, offset, bytes);
    return bytes.array();
  }

  static int entry(LocalSheep sheep, VdiId vid, int index) throws SheepException {
    byte[] bytes = read(sheep, ObjectId.inode(vid), InodeLayout.indexOffset(index), 4);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getInt();
  }

  static void setEntry(LocalSheep sheep, VdiId vid, int index, int owner) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, owner);
    sheep.objects().write(ObjectId.inode(vid), InodeLayout.indexOffset(index), bytes, UNSTABLE);
  }

  /** Writes as a client does: the object first, the index second. */
  static void allocate(LocalSheep sheep, VdiId vid, int index, int value, Durability durability)
      throws SheepException {
    ObjectId oid = ObjectId.data(vid, index);
    int owner = entry(sheep, vid, index);
    if (owner == vid.value()) {
      sheep.objects().write(oid, 0, bytes(4096, value), durability);
      return;
    }
    if (owner == 0) {
      sheep.objects().create(oid, 0, bytes(4096, value), durability);
    } else {
      ObjectId source = ObjectId.data(new VdiId(owner), index);
      sheep.objects().createCopy(oid, source, 0, bytes(4096, value), durability);
    }
    setEntry(sheep, vid, index, vid.value());
  }

  static void assertFails(ResultCode expected, Executable call) {
    assertEquals(expected, assertThrows(SheepException.class, call).result());
  }

  @ParameterizedTest
  @EnumSource
  void open_newDirectory_servesAfterReopening(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind)) {
      VdiInfo made;
      try (LocalSheep sheep = disk.open()) {
        made = sheep.vdis().create(NAME, VdiSpec.ofSize(1L << 40));
        allocate(sheep, made.vid(), 7, 3, UNSTABLE);
        sheep.objects().flush(made.vid());
        assertEquals(22, made.blockSizeShift());
        assertEquals(1, made.snapshotId());
      }
      try (LocalSheep sheep = disk.open()) {
        assertEquals(made, sheep.vdis().lookup(NAME));
        assertArrayEquals(
            bytes(4096, 3).array(), read(sheep, ObjectId.data(made.vid(), 7), 0, 4096));
        assertArrayEquals(new byte[8], read(sheep, ObjectId.data(made.vid(), 7), 3 * MIB, 8));
        assertEquals(1, sheep.info().epochs().size());
      }
    }
  }

  @Test
  void open_twice_isRefusedNamingTheDirectory() throws IOException {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.REAL);
        LocalSheep sheep = disk.open()) {
      IOException e = assertThrows(IOException.class, disk::open);
      String message = String.valueOf(e.getMessage());
      assertTrue(message.contains(sheep.root().toString()), message);
      assertTrue(message.contains("in use"), message);
    }
  }

  @ParameterizedTest
  @EnumSource
  void open_foreignDirectory_isRefusedAndLeftAlone(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind)) {
      Files.createDirectories(disk.store());
      Files.writeString(disk.store().resolve("letter"), "dear");
      assertThrows(IOException.class, disk::open);
      try (var entries = Files.list(disk.store())) {
        assertEquals(1, entries.count());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void open_objectsWithoutConfig_isRefused(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind)) {
      try (LocalSheep sheep = disk.open()) {
        sheep.vdis().create(NAME, VdiSpec.ofSize(0));
      }
      Files.delete(disk.store().resolve("config"));
      Files.delete(disk.store().resolve("lock"));
      assertThrows(IOException.class, disk::open);
    }
  }

  @Test
  void open_realDisk_keepsFilesPrivate() throws IOException {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.REAL);
        LocalSheep sheep = disk.open()) {
      VdiInfo vdi = sheep.vdis().create(NAME, VdiSpec.ofSize(MIB));
      Path inode = disk.store().resolve("obj").resolve(ObjectId.inode(vdi.vid()).toString());
      assertEquals(
          "rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(inode)));
      assertEquals(
          "rwx------", PosixFilePermissions.toString(Files.getPosixFilePermissions(disk.store())));
    }
  }

  @ParameterizedTest
  @EnumSource
  void snapshotAndClone_writtenAfterwards_keepTheirContent(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind);
        LocalSheep sheep = disk.open()) {
      VdiInfo first = sheep.vdis().create(NAME, VdiSpec.ofSize(64 * MIB));
      allocate(sheep, first.vid(), 0, 1, UNSTABLE);
      VdiInfo second = sheep.vdis().snapshot(NAME, new SnapshotTag("s1"));
      assertFails(
          ResultCode.READONLY,
          () -> sheep.objects().write(ObjectId.data(first.vid(), 0), 0, bytes(1, 1), STABLE));
      allocate(sheep, second.vid(), 0, 2, UNSTABLE);
      VdiInfo snapshot = sheep.vdis().lookup(NAME, SnapshotSelector.tag("s1"));
      assertEquals(first.vid(), snapshot.vid());
      assertEquals(snapshot, sheep.vdis().lookup(NAME, SnapshotSelector.id(1)));
      VdiInfo copy = sheep.vdis().cloneSnapshot(snapshot.vid(), new VdiName("copy"));
      assertEquals(first.vid().value(), entry(sheep, copy.vid(), 0));
      assertEquals(1, read(sheep, ObjectId.data(first.vid(), 0), 0, 1)[0]);
      assertEquals(2, read(sheep, ObjectId.data(second.vid(), 0), 0, 1)[0]);

      sheep.vdis().delete(NAME, SnapshotSelector.tag("s1"));
      assertTrue(sheep.objects().exists(ObjectId.data(first.vid(), 0)));
      allocate(sheep, copy.vid(), 0, 3, UNSTABLE);
      assertFalse(sheep.objects().exists(ObjectId.data(first.vid(), 0)));
      sheep.vdis().delete(NAME);
      sheep.vdis().delete(new VdiName("copy"));
      assertTrue(sheep.objects().list().stream().noneMatch(ObjectId::isData));
      assertEquals(0, sheep.vdis().list().size());
    }
  }

  @ParameterizedTest
  @EnumSource
  void resize_smallerAndLarger_readsZeros(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind);
        LocalSheep sheep = disk.open()) {
      VdiInfo vdi = sheep.vdis().create(NAME, VdiSpec.ofSize(64 * MIB));
      for (int i = 0; i < 4; i++) {
        allocate(sheep, vdi.vid(), i, 9, UNSTABLE);
      }
      sheep.vdis().resize(NAME, 4 * MIB + 100);
      assertEquals(0, entry(sheep, vdi.vid(), 2));
      assertFalse(sheep.objects().exists(ObjectId.data(vdi.vid(), 3)));
      VdiInfo grown = sheep.vdis().resize(NAME, 64 * MIB);
      assertEquals(64 * MIB, grown.sizeBytes());
      byte[] content = read(sheep, ObjectId.data(vdi.vid(), 1), 0, 200);
      assertEquals(9, content[99]);
      assertEquals(0, content[100]);
    }
  }

  @ParameterizedTest
  @EnumSource
  void resize_sharedLastObject_leavesTheSnapshotAlone(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind);
        LocalSheep sheep = disk.open()) {
      VdiInfo first = sheep.vdis().create(NAME, VdiSpec.ofSize(64 * MIB));
      allocate(sheep, first.vid(), 0, 9, UNSTABLE);
      VdiInfo second = sheep.vdis().snapshot(NAME, new SnapshotTag("s"));
      sheep.vdis().resize(NAME, 10);
      assertEquals(second.vid().value(), entry(sheep, second.vid(), 0));
      assertEquals(9, read(sheep, ObjectId.data(second.vid(), 0), 0, 20)[9]);
      assertEquals(0, read(sheep, ObjectId.data(second.vid(), 0), 0, 20)[10]);
      assertEquals(9, read(sheep, ObjectId.data(first.vid(), 0), 0, 20)[10]);
    }
  }

  @ParameterizedTest
  @EnumSource
  void lock_throughSnapshot_followsTheVdi(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind);
        LocalSheep sheep = disk.open()) {
      Cluster other = sheep.openSession();
      sheep.vdis().create(NAME, VdiSpec.ofSize(MIB));
      VdiLock lock = sheep.vdis().lock(NAME);
      sheep.vdis().snapshot(NAME, new SnapshotTag("s"));
      assertTrue(lock.isHeld());
      assertFails(ResultCode.VDI_LOCKED, () -> other.vdis().lock(NAME));
      assertFails(ResultCode.VDI_LOCKED, () -> other.vdis().delete(NAME));
      lock.close();
      assertFalse(lock.isHeld());
      VdiLock theirs = other.vdis().lock(NAME);
      other.close();
      assertFalse(theirs.isHeld());
    }
  }

  @ParameterizedTest
  @EnumSource
  void writeToInode_impossibleChange_isRefused(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind);
        LocalSheep sheep = disk.open()) {
      VdiInfo vdi = sheep.vdis().create(NAME, VdiSpec.ofSize(MIB));
      ObjectId inode = ObjectId.inode(vdi.vid());
      assertFails(ResultCode.INVALID_PARMS, () -> setEntry(sheep, vdi.vid(), 0, 0x123456));
      assertFails(
          ResultCode.INVALID_PARMS, () -> sheep.objects().write(inode, 0, bytes(256, 0), STABLE));
      assertFails(
          ResultCode.INVALID_PARMS,
          () -> sheep.objects().write(inode, InodeLayout.SIZE_BYTES - 1, bytes(2, 0), STABLE));
      ByteBuffer size = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      size.putLong(0, 1L << 50); // as many objects as its deletion would look for
      assertFails(
          ResultCode.INVALID_PARMS,
          () -> sheep.objects().write(inode, InodeLayout.VM_STATE_SIZE, size, STABLE));
      size.clear().putLong(0, 77);
      sheep.objects().write(inode, InodeLayout.VDI_SIZE, size, STABLE);
      assertEquals(77, sheep.vdis().lookup(NAME).sizeBytes());
    }
  }

  @ParameterizedTest
  @EnumSource
  void indexEntry_cleared_removesTheObject(StoreDisk.Kind kind) throws IOException {
    try (StoreDisk disk = StoreDisk.of(kind);
        LocalSheep sheep = disk.open()) {
      VdiInfo vdi = sheep.vdis().create(NAME, VdiSpec.ofSize(64 * MIB));
      allocate(sheep, vdi.vid(), 3, 1, UNSTABLE);
      setEntry(sheep, vdi.vid(), 3, 0);
      assertFalse(sheep.objects().exists(ObjectId.data(vdi.vid(), 3)));
      allocate(sheep, vdi.vid(), 3, 2, UNSTABLE);
      sheep.objects().flush(vdi.vid());
      assertEquals(2, read(sheep, ObjectId.data(vdi.vid(), 3), 0, 1)[0]);
    }
  }

  @Test
  void delete_objectsNeverEnteredInTheIndex_goneToo() throws Exception {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY);
        LocalSheep sheep = disk.open()) {
      VdiId vid = sheep.vdis().create(NAME, VdiSpec.ofSize(64 << 20)).vid();
      allocate(sheep, vid, 1, 1, UNSTABLE);
      sheep.objects().create(ObjectId.data(vid, 3), 0, bytes(10, 1), UNSTABLE);
      VdiId next = sheep.vdis().snapshot(NAME, new SnapshotTag("s1")).vid();
      sheep.objects().create(ObjectId.data(next, 5), 0, bytes(10, 1), UNSTABLE);
      sheep.vdis().delete(NAME, SnapshotSelector.tag("s1"));
      assertEquals(
          Set.of(ObjectId.data(vid, 1), ObjectId.data(next, 5)),
          sheep.objects().list().stream().filter(ObjectId::isData).collect(Collectors.toSet()));
      sheep.vdis().delete(NAME);
      assertTrue(sheep.objects().list().stream().noneMatch(ObjectId::isData));
    }
  }

  @Test
  void create_inDeletedVdi_refused() throws Exception {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY);
        LocalSheep sheep = disk.open()) {
      VdiId vid = sheep.vdis().create(NAME, VdiSpec.ofSize(64 << 20)).vid();
      sheep.vdis().delete(NAME);
      assertFails(
          ResultCode.NO_VDI,
          () -> sheep.objects().create(ObjectId.data(vid, 3), 0, bytes(10, 1), UNSTABLE));
      assertTrue(sheep.objects().list().stream().noneMatch(ObjectId::isData));
    }
  }
}
