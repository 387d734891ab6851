package io.sheepfs.store.vdi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
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
    return vdis.create(NAME, new VdiSpec(64 << 20, 1, 22));
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
    vdis.clear();
    vdis.load(files.list());
    assertFalse(vdis.deletions().isDone());
    vdis.deletions().resume();
    assertTrue(vdis.deletions().isDone());
    assertEquals(List.of(vdi.inode()), files.list());
  }

  /** Its index does not name it, and the node that has it was away when the VDI was deleted. */
  @Test
  void objectFoundLater_ofADeletedVdi_isRemoved() throws SheepException {
    Vdi vdi = vdi();
    delete(vdi.vid());
    Vdi living = vdis.create(NAME, new VdiSpec(64 << 20, 1, 22));
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
