package io.sheepfs.store.vdi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.object.BadSectors;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.Journal;
import io.sheepfs.store.object.ObjectFiles;
import io.sheepfs.store.object.StoredObjects;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Deletions of which some objects cannot be removed at first, as in a cluster. */
@Timeout(60)
final class DeletionsTest {

  private static final VdiName NAME = new VdiName("doomed");
  private static final VdiSpec SPEC = new VdiSpec(64 << 20, 1, 22);

  private ObjectFiles files;
  private VdiStore vdis;

  /** Objects on nodes that are away, and those whose disk gives errors. */
  private final Set<ObjectId> away = new HashSet<>();

  private final Set<ObjectId> failing = new HashSet<>();
  private final AtomicInteger toldToResume = new AtomicInteger();

  @BeforeEach
  void open(@TempDir Path directory) throws IOException {
    Disk disk = new Disk(directory, (change, path) -> {});
    Path objects = Files.createDirectory(directory.resolve("obj"));
    files = new ObjectFiles(objects, disk, 8);
    Journal journal = new Journal(directory.resolve("journal"), objects, disk);
    StoredObjects some =
        (StoredObjects)
            Proxy.newProxyInstance(
                StoredObjects.class.getClassLoader(),
                new Class<?>[] {StoredObjects.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("isWithinReach")) {
                    return !away.contains(arguments[0]);
                  }
                  if (method.getName().equals("remove") && failing.contains(arguments[0])) {
                    throw new SheepException(ResultCode.EIO, "removal of " + arguments[0]);
                  }
                  assertFalse(
                      method.getName().equals("remove") && away.contains(arguments[0]),
                      "it would wait, and others for it");
                  try {
                    return method.invoke(files, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    vdis =
        new VdiStore(
            some, new LocalInodeChanges(files, disk, journal), InstantSource.system(), true);
  }

  @AfterEach
  void close() {
    files.close();
  }

  private static ObjectId data(Vdi vdi, int index) {
    return ObjectId.data(vdi.vid(), index);
  }

  private void make(Vdi vdi, int index) throws SheepException {
    files.create(data(vdi, index), 0, ByteBuffer.allocate(8), Durability.UNSTABLE);
  }

  private void makeNamed(Vdi vdi, int index) throws SheepException {
    make(vdi, index);
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    entry.putInt(0, vdi.vid().value());
    files.write(vdi.inode(), InodeLayout.indexOffset(index), entry, Durability.UNSTABLE);
  }

  private Vdi vdi() throws SheepException {
    return vdis.create(NAME, SPEC);
  }

  private void delete(VdiId vid) throws SheepException {
    vdis.delete(VdiStore.byId(vid), this);
  }

  @Test
  void objectThatCannotBeRemoved_isRemovedWhenItCan() throws SheepException {
    vdis.deletions().resumedBy(toldToResume::incrementAndGet);
    Vdi vdi = vdi();
    makeNamed(vdi, 0);
    makeNamed(vdi, 1);
    makeNamed(vdi, 5_000);
    failing.add(data(vdi, 1));
    delete(vdi.vid());
    assertTrue(vdi.isDeleted(), "it is deleted when its tombstone is durable");
    assertEquals(1, toldToResume.get());
    assertFalse(vdis.deletions().isDone());
    assertThrows(SheepException.class, () -> vdis.deletions().resume());
    failing.clear();
    away.add(data(vdi, 5_000));
    SheepException waits = assertThrows(SheepException.class, () -> vdis.deletions().resume());
    assertEquals(ResultCode.HALT, waits.result());
    assertTrue(files.exists(data(vdi, 5_000)));
    away.clear();
    vdis.deletions().resume();
    assertTrue(vdis.deletions().isDone());
    assertEquals(List.of(vdi.inode()), files.list());
    assertEquals(InodeLayout.HEADER_BYTES, files.storedBytes(vdi.inode()));
  }

  @Test
  void nobodyResumes_whoDeletesIsTold_andTheNextStartGoesOn() throws SheepException {
    Vdi vdi = vdi();
    makeNamed(vdi, 0);
    failing.add(data(vdi, 0));
    assertThrows(SheepException.class, () -> delete(vdi.vid()));
    failing.clear();
    loadAnew(damaged -> false);
    assertFalse(vdis.deletions().isDone());
    vdis.deletions().resume();
    assertTrue(vdis.deletions().isDone());
    assertEquals(List.of(vdi.inode()), files.list());
  }

  private void loadAnew(VdiStore.Mender mender) throws SheepException {
    vdis.clear();
    vdis.load(files.list(), mender);
  }

  @Test
  void inodeThatBeginsWithZeros_isNoDeletion_andNothingIsRemovedUntilItIsRight()
      throws SheepException {
    Vdi vdi = vdi();
    makeNamed(vdi, 0);
    Vdi other = vdis.create(new VdiName("other"), SPEC);
    makeNamed(other, 0);
    ByteBuffer right = vdi.header().encode().limit(512);
    files.write(vdi.inode(), 0, ByteBuffer.allocate(512), Durability.STABLE);
    loadAnew(damaged -> false);
    assertNull(vdis.table().get(vdi.vid()));
    assertEquals(
        ResultCode.EIO, assertThrows(SheepException.class, this::vdi).result(), "is it this one?");
    assertEquals(
        ResultCode.EIO,
        assertThrows(SheepException.class, () -> vdis.table().requireWorking(NAME)).result());
    int id = vdi.vid().value();
    assertTrue((vdis.table().idsInUse()[id / 8] & 1 << id % 8) != 0, "its id is in use");
    vdis.deletions().resume();
    assertTrue(files.exists(data(vdi, 0)));
    delete(other.vid());
    vdis.deletions().resume();
    assertFalse(vdis.deletions().isDone());
    assertTrue(files.exists(data(other, 0)), "the inode could be that of a clone which needs it");
    loadAnew(
        damaged -> {
          assertEquals(vdi.inode(), damaged);
          files.write(damaged, 0, right, Durability.STABLE);
          return true;
        });
    assertFalse(vdis.deletions().isDone());
    vdis.deletions().resume();
    assertFalse(files.exists(data(other, 0)));
    assertTrue(files.exists(data(vdi, 0)));
  }

  /** The family is not known then. */
  @Test
  void inodeThatIsLost_fromWhichAnotherWasMade_keepsTheObjects() throws SheepException {
    Vdi vdi = vdi();
    makeNamed(vdi, 0);
    Vdi middle = vdis.snapshot(VdiStore.byId(vdi.vid()), new SnapshotTag("one"));
    Vdi last = vdis.snapshot(VdiStore.byId(middle.vid()), new SnapshotTag("two"));
    ByteBuffer lost = ByteBuffer.allocate((int) files.storedBytes(middle.inode()));
    files.read(middle.inode(), 0, lost);
    files.remove(middle.inode());
    loadAnew(inode -> false);
    delete(vdi.vid());
    assertTrue(files.exists(data(vdi, 0)), "the last one needs it");
    assertThrows(SheepException.class, () -> vdis.create(new VdiName("new"), SPEC));
    loadAnew(
        inode -> {
          if (!inode.equals(middle.inode())) {
            return false;
          }
          files.create(inode, 0, lost.flip(), Durability.STABLE);
          return true;
        });
    vdis.deletions().resume();
    assertTrue(vdis.deletions().isDone());
    assertTrue(files.exists(data(vdi, 0)));
    delete(middle.vid());
    delete(last.vid());
    assertFalse(files.exists(data(vdi, 0)));
  }

  /** One bit of the one, or a byte of the other, makes a VDI its own ancestor. */
  @Test
  void familyThatIsACircle_hasAnEnd() throws SheepException {
    Vdi first = vdi();
    makeNamed(first, 0);
    Vdi second = vdis.snapshot(VdiStore.byId(first.vid()), new SnapshotTag("one"));
    ByteBuffer parent = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    parent.putInt(0, second.vid().value());
    files.write(first.inode(), InodeLayout.PARENT_VDI_ID, parent, Durability.STABLE);
    loadAnew(inode -> false);
    assertEquals(2, vdis.table().livingFamily(second.vid()).size(), "and it has an end");
    delete(first.vid());
    delete(second.vid());
    vdis.deletions().resume();
    assertTrue(files.exists(data(first, 0)), "whose it is nobody knows");
    parent.clear().putInt(0, first.vid().value());
    files.write(first.inode(), InodeLayout.PARENT_VDI_ID, parent, Durability.STABLE);
    loadAnew(inode -> false);
    assertNull(vdis.table().get(first.vid()), "its own parent");
  }

  /** One bit of a snapshot, and it is made from what goes on after it. */
  @Test
  void parentThatIsNoSnapshot_keepsTheObjects() throws SheepException {
    Vdi first = vdi();
    makeNamed(first, 0);
    Vdi second = vdis.snapshot(VdiStore.byId(first.vid()), new SnapshotTag("one"));
    Vdi third = vdis.snapshot(VdiStore.byId(second.vid()), new SnapshotTag("two"));
    ByteBuffer parent = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer right = ByteBuffer.allocate(4);
    files.read(second.inode(), InodeLayout.PARENT_VDI_ID, right);
    parent.putInt(0, third.vid().value());
    files.write(second.inode(), InodeLayout.PARENT_VDI_ID, parent, Durability.STABLE);
    loadAnew(inode -> false);
    assertEquals(3, vdis.table().list().size(), "they can be used");
    delete(first.vid());
    assertTrue(files.exists(data(first, 0)), "second and third name it");
    loadAnew(
        inode -> {
          if (inode.equals(second.inode())) {
            files.write(inode, InodeLayout.PARENT_VDI_ID, right.flip(), Durability.STABLE);
          }
          return inode.equals(second.inode());
        });
    vdis.deletions().resume();
    assertTrue(vdis.deletions().isDone());
    delete(second.vid());
    assertTrue(files.exists(data(first, 0)));
    delete(third.vid());
    assertFalse(files.exists(data(first, 0)));
  }

  /** Only when a store of such a version is opened, it is what that wrote. */
  @Test
  void deletionThatIsOnlyZeros_isOneIfItsVersionWroteNoWord() throws SheepException {
    Vdi vdi = vdi();
    makeNamed(vdi, 0);
    Vdi empty = vdis.create(new VdiName("empty"), SPEC);
    for (Vdi one : List.of(vdi, empty)) {
      ByteBuffer noName = ByteBuffer.allocate(InodeLayout.NAME_BYTES);
      files.write(one.inode(), InodeLayout.NAME, noName, Durability.STABLE);
    }
    loadAnew(damaged -> false);
    assertEquals(List.of(), List.copyOf(vdis.table().all()), "neither deleted nor there");
    Headers.engrave(BadSectors.in(files, Set.of(vdi.inode())));
    loadAnew(damaged -> false);
    assertNull(vdis.table().get(vdi.vid()), "it could not be read");
    assertTrue(Objects.requireNonNull(vdis.table().get(empty.vid())).isDeleted());
    Headers.engrave(files);
    loadAnew(damaged -> false);
    for (Vdi one : List.of(vdi, empty)) {
      assertTrue(Objects.requireNonNull(vdis.table().get(one.vid())).isDeleted());
    }
    vdis.deletions().resume();
    assertFalse(files.exists(data(vdi, 0)));
  }

  @Test
  void nonsenseInAnIndex_namesNothing() throws SheepException {
    Vdi vdi = vdi();
    makeNamed(vdi, 0);
    ByteBuffer nonsense = ByteBuffer.allocate(8).putInt(-1).putInt(1 << 24 | 1).flip();
    files.write(vdi.inode(), InodeLayout.indexOffset(1), nonsense, Durability.STABLE);
    SheepException refused =
        assertThrows(
            SheepException.class, () -> vdis.resize(VdiStore.byId(vdi.vid()), (4 << 20) + 1, this));
    assertEquals(ResultCode.EIO, refused.result());
    delete(vdi.vid());
    assertTrue(vdis.deletions().isDone());
    assertEquals(List.of(vdi.inode()), files.list());
  }

  /** Its index does not name it, and the node that has it was away when the VDI was deleted. */
  @Test
  void objectFoundLater_ofADeletedVdi_isRemoved() throws SheepException {
    Vdi vdi = vdi();
    delete(vdi.vid());
    Vdi living = vdis.create(NAME, SPEC);
    make(vdi, 3);
    make(vdi, 70_000);
    make(living, 3);
    vdis.deletions().removeLeft(files.list());
    assertFalse(files.exists(data(vdi, 3)));
    assertFalse(files.exists(data(vdi, 70_000)));
    assertTrue(files.exists(data(living, 3)));
  }

  @Test
  void objectOfADeletedVdi_thatAnotherNeeds_stays() throws SheepException {
    Vdi base = vdi();
    makeNamed(base, 0);
    make(base, 1);
    Vdi next = vdis.snapshot(VdiStore.byId(base.vid()), new SnapshotTag("tag"));
    delete(base.vid());
    make(base, 1);
    vdis.deletions().removeLeft(files.list());
    assertTrue(files.exists(data(base, 0)), "the next one has it in its index");
    assertFalse(files.exists(data(base, 1)));
    delete(next.vid());
    assertFalse(files.exists(data(base, 0)));
  }
}
