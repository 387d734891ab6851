package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What every {@link VdiDirectory} must do. */
public abstract class VdiDirectoryContract extends WriterMarkContract {

  private static final long MIB = 1 << 20;
  private static final VdiName DISK = new VdiName("disk");
  private static final VdiName OTHER = new VdiName("other");
  private static final SnapshotTag ONE = new SnapshotTag("one");
  private static final SnapshotTag TWO = new SnapshotTag("two");
  private static final SnapshotSelector BY_ONE = SnapshotSelector.tag("one");

  @Test
  void create_ofSize_foundAsCreated() throws Exception {
    VdiInfo made = createVdi("disk", 100 * MIB + 1);
    assertEquals(made, vdis().lookup(DISK));
    assertEquals(List.of(made), vdis().list());
    assertEquals(VdiId.hashOf(DISK), made.vid());
    assertEquals(DISK, made.name());
    assertEquals(100 * MIB + 1, made.sizeBytes());
    assertEquals(1, made.snapshotId());
    assertTrue(made.copies() >= 1);
    assertEquals(VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT, made.blockSizeShift());
    assertNull(made.tag());
    assertNull(made.parent());
    assertFalse(made.isSnapshot());
    assertTrue(made.created().getEpochSecond() > 1_600_000_000L);
  }

  @Test
  void create_withObjectSize_kept() throws Exception {
    VdiInfo made = vdis().create(DISK, new VdiSpec(5, 1, 20));
    assertEquals(20, made.blockSizeShift());
    assertEquals(1, made.copies());
    assertEquals(made, vdis().lookup(DISK));
  }

  @Test
  void create_ofSizeLimits_smallestAndLargest() throws Exception {
    assertEquals(0, createVdi("disk", 0).sizeBytes());
    long max = VdiSpec.maxSizeBytes(VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT);
    assertEquals(max, createVdi("other", max).sizeBytes());
    assertFails(ResultCode.INVALID_PARMS, () -> createVdi("larger", max + 1));
    assertFails(ResultCode.NO_VDI, () -> vdis().lookup(new VdiName("larger")));
  }

  @Test
  void create_takenName_existsAndUnchanged() throws Exception {
    VdiInfo made = createVdi("disk", MIB);
    assertFails(ResultCode.VDI_EXIST, () -> createVdi("disk", 2 * MIB));
    assertEquals(List.of(made), vdis().list());
  }

  @Test
  void create_unusualNames_allFound() throws Exception {
    for (String name :
        List.of("a", " ", "...", "two words", "Ünïcödé 羊 🐑", "-rf", "x:y", "n".repeat(255))) {
      VdiInfo made = createVdi(name, MIB);
      assertEquals(made, vdis().lookup(new VdiName(name)), name);
    }
    assertEquals(8, vdis().list().size());
  }

  @Test
  void lookup_absent_noVdi() {
    assertFails(ResultCode.NO_VDI, () -> vdis().lookup(DISK));
    assertFails(ResultCode.NO_VDI, () -> vdis().lookup(DISK, BY_ONE));
  }

  @Test
  void lookup_snapshotThatIsNot_noTag() throws Exception {
    createVdi("disk", MIB);
    assertFails(ResultCode.NO_TAG, () -> vdis().lookup(DISK, BY_ONE));
    assertFails(ResultCode.NO_TAG, () -> vdis().lookup(DISK, SnapshotSelector.id(1)));
  }

  @Test
  void snapshot_ofWorkingVdi_oldIdFrozenNewIdGoesOn() throws Exception {
    VdiInfo before = createVdi("disk", 9 * MIB);
    VdiInfo working = vdis().snapshot(DISK, ONE);
    assertNotEquals(before.vid(), working.vid());
    assertFalse(working.isSnapshot());
    assertNull(working.tag());
    assertEquals(2, working.snapshotId());
    assertEquals(before.vid(), working.parent());
    assertEquals(9 * MIB, working.sizeBytes());
    assertEquals(working, vdis().lookup(DISK));
    VdiInfo snapshot = vdis().lookup(DISK, BY_ONE);
    assertEquals(snapshot, vdis().lookup(DISK, SnapshotSelector.id(1)));
    assertEquals(before.vid(), snapshot.vid());
    assertEquals(ONE, snapshot.tag());
    assertEquals(1, snapshot.snapshotId());
    assertNotNull(snapshot.snapshotTaken());
    assertEquals(before.created(), snapshot.created());
    assertEquals(2, vdis().list().size());
  }

  @Test
  void snapshot_takenTagOrAbsentVdi_refusedAndUnchanged() throws Exception {
    assertFails(ResultCode.NO_VDI, () -> vdis().snapshot(DISK, ONE));
    createVdi("disk", MIB);
    vdis().snapshot(DISK, ONE);
    List<VdiInfo> before = vdis().list();
    assertFails(ResultCode.VDI_EXIST, () -> vdis().snapshot(DISK, ONE));
    assertEquals(before, vdis().list());
    assertEquals(3, vdis().snapshot(DISK, TWO).snapshotId());
  }

  @Test
  void snapshot_sameTagOfAnotherVdi_both() throws Exception {
    createVdi("disk", MIB);
    createVdi("other", MIB);
    vdis().snapshot(DISK, ONE);
    vdis().snapshot(OTHER, ONE);
    assertNotEquals(vdis().lookup(DISK, BY_ONE), vdis().lookup(OTHER, BY_ONE));
  }

  @Test
  void snapshot_ofUnflushedData_sharedAndKept() throws Exception {
    VdiInfo before = createVdi("disk", 64 * MIB);
    ObjectId object = allocate(before.vid(), 3, 1);
    VdiInfo working = vdis().snapshot(DISK, ONE);
    assertEquals(before.vid().value(), indexEntry(working.vid(), 3));
    assertEquals(before.vid().value(), indexEntry(before.vid(), 3));
    reopen();
    assertEquals(working, vdis().lookup(DISK));
    assertEquals(before.vid().value(), indexEntry(working.vid(), 3));
    assertArrayEquals(filledArray(100, 1), read(object, 0, 100));
  }

  @Test
  void clone_ofSnapshot_sharesItsObjects() throws Exception {
    VdiInfo base = createVdi("disk", 64 * MIB);
    allocate(base.vid(), 3, 1);
    vdis().snapshot(DISK, ONE);
    VdiInfo clone = vdis().cloneSnapshot(base.vid(), OTHER);
    assertEquals(clone, vdis().lookup(OTHER));
    assertEquals(OTHER, clone.name());
    assertEquals(base.vid(), clone.parent());
    assertEquals(1, clone.snapshotId());
    assertEquals(64 * MIB, clone.sizeBytes());
    assertNull(clone.tag());
    assertFalse(clone.isSnapshot());
    assertEquals(base.vid().value(), indexEntry(clone.vid(), 3));
  }

  @Test
  void clone_impossible_refusedAndNothingMade() throws Exception {
    VdiInfo base = createVdi("disk", MIB);
    assertFails(ResultCode.INVALID_PARMS, () -> vdis().cloneSnapshot(base.vid(), OTHER));
    assertFails(
        ResultCode.NO_BASE_VDI, () -> vdis().cloneSnapshot(base.vid().next().next(), OTHER));
    vdis().snapshot(DISK, ONE);
    assertFails(ResultCode.VDI_EXIST, () -> vdis().cloneSnapshot(base.vid(), DISK));
    assertEquals(2, vdis().list().size());
  }

  @Test
  void resize_larger_newPartIsHoles() throws Exception {
    VdiInfo disk = createVdi("disk", 4 * MIB);
    allocate(disk.vid(), 0, 1);
    assertEquals(1L << 40, vdis().resize(DISK, 1L << 40).sizeBytes());
    assertEquals(1L << 40, vdis().lookup(DISK).sizeBytes());
    assertEquals(disk.vid().value(), indexEntry(disk.vid(), 0));
    assertEquals(0, indexEntry(disk.vid(), 1));
  }

  @Test
  void resize_smaller_objectsFreedAndTailZeroed() throws Exception {
    VdiInfo disk = createVdi("disk", 16 * MIB);
    ObjectId first = allocate(disk.vid(), 0, 1);
    ObjectId last = allocate(disk.vid(), 3, 2);
    assertEquals(1000, vdis().resize(DISK, 1000).sizeBytes());
    assertEquals(0, indexEntry(disk.vid(), 3));
    eventually("the last object removed", () -> !exists(last));
    vdis().resize(DISK, 16 * MIB);
    assertArrayEquals(filledArray(1000, 1), read(first, 0, 1000));
    assertArrayEquals(new byte[(1 << 16) - 1000], read(first, 1000, (1 << 16) - 1000));
    assertEquals(0, indexEntry(disk.vid(), 3));
  }

  @Test
  void resize_smallerThanSnapshot_snapshotKeepsAll() throws Exception {
    VdiInfo base = createVdi("disk", 16 * MIB);
    ObjectId first = allocate(base.vid(), 0, 1);
    ObjectId last = allocate(base.vid(), 3, 2);
    VdiInfo working = vdis().snapshot(DISK, ONE);
    vdis().resize(DISK, 1000);
    assertArrayEquals(filledArray(1 << 16, 1), read(first, 0, 1 << 16));
    assertArrayEquals(filledArray(1 << 16, 2), read(last, 0, 1 << 16));
    assertEquals(16 * MIB, vdis().lookup(DISK, BY_ONE).sizeBytes());
    int owner = indexEntry(working.vid(), 0);
    byte[] tail = read(ObjectId.data(new VdiId(owner), 0), 1000, 1000);
    assertArrayEquals(new byte[1000], tail);
  }

  @Test
  void resize_impossible_refusedAndUnchanged() throws Exception {
    assertFails(ResultCode.NO_VDI, () -> vdis().resize(DISK, 1));
    VdiInfo disk = createVdi("disk", MIB);
    long max = VdiSpec.maxSizeBytes(VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT);
    assertFails(ResultCode.INVALID_PARMS, () -> vdis().resize(DISK, max + 1));
    assertEquals(disk, vdis().lookup(DISK));
    assertEquals(max, vdis().resize(DISK, max).sizeBytes());
  }

  @Test
  void delete_workingVdi_goneWithItsObjects() throws Exception {
    VdiInfo disk = createVdi("disk", 16 * MIB);
    ObjectId first = allocate(disk.vid(), 0, 1);
    ObjectId last = allocate(disk.vid(), 3, 2);
    vdis().delete(DISK);
    assertFails(ResultCode.NO_VDI, () -> vdis().lookup(DISK));
    assertEquals(List.of(), vdis().list());
    eventually("objects removed", () -> !exists(first) && !exists(last));
    reopen();
    assertEquals(List.of(), vdis().list());
    assertFails(ResultCode.NO_VDI, () -> vdis().delete(DISK));
  }

  @Test
  void delete_objectsBehindTheEnd_removedToo() throws Exception {
    VdiInfo disk = createVdi("disk", 4 * MIB);
    ObjectId behind = allocate(disk.vid(), 9, 1);
    vdis().delete(DISK);
    eventually("object removed", () -> !exists(behind));
  }

  @Test
  void create_afterDeletion_newIdAndEmpty() throws Exception {
    VdiInfo before = createVdi("disk", 16 * MIB);
    allocate(before.vid(), 0, 1);
    vdis().delete(DISK);
    VdiInfo again = createVdi("disk", 16 * MIB);
    assertNotEquals(before.vid(), again.vid());
    assertEquals(0, indexEntry(again.vid(), 0));
    assertEquals(List.of(again), vdis().list());
  }

  @Test
  void delete_workingVdiWithSnapshot_snapshotStaysWhole() throws Exception {
    VdiInfo base = createVdi("disk", 16 * MIB);
    ObjectId shared = allocate(base.vid(), 0, 1);
    VdiInfo working = vdis().snapshot(DISK, ONE);
    ObjectId own = allocate(working.vid(), 1, 2);
    vdis().delete(DISK);
    eventually("own object removed", () -> !exists(own));
    assertFails(ResultCode.NO_VDI, () -> vdis().lookup(DISK));
    assertEquals(base.vid(), vdis().lookup(DISK, BY_ONE).vid());
    assertArrayEquals(filledArray(100, 1), read(shared, 0, 100));
    assertTrue(createVdi("disk", MIB).snapshotId() > 1);
  }

  @Test
  void delete_snapshot_sharedObjectsStayOthersGo() throws Exception {
    VdiInfo base = createVdi("disk", 16 * MIB);
    ObjectId shared = allocate(base.vid(), 0, 1);
    ObjectId replaced = allocate(base.vid(), 1, 2);
    VdiInfo working = vdis().snapshot(DISK, ONE);
    ObjectId own = allocate(working.vid(), 1, 3);
    assertTrue(exists(replaced));
    vdis().delete(DISK, BY_ONE);
    eventually("the replaced object removed", () -> !exists(replaced));
    assertEquals(List.of(working), vdis().list());
    assertFails(ResultCode.NO_TAG, () -> vdis().delete(DISK, BY_ONE));
    assertArrayEquals(filledArray(100, 1), read(shared, 0, 100));
    vdis().delete(DISK);
    eventually("all removed", () -> !exists(shared) && !exists(own));
  }

  @Test
  void delete_baseOfClone_cloneStaysWhole() throws Exception {
    VdiInfo base = createVdi("disk", 16 * MIB);
    ObjectId shared = allocate(base.vid(), 0, 1);
    VdiInfo working = vdis().snapshot(DISK, ONE);
    ObjectId own = allocate(working.vid(), 2, 3);
    VdiInfo clone = vdis().cloneSnapshot(base.vid(), OTHER);
    vdis().delete(DISK);
    vdis().delete(DISK, SnapshotSelector.id(1));
    eventually("the working VDI's object removed", () -> !exists(own));
    assertEquals(List.of(clone), vdis().list());
    reopen();
    assertArrayEquals(filledArray(100, 1), read(shared, 0, 100));
    vdis().delete(OTHER);
    eventually("all removed", () -> !exists(shared));
  }

  @Test
  void delete_absent_refused() throws Exception {
    assertFails(ResultCode.NO_VDI, () -> vdis().delete(DISK));
    assertFails(ResultCode.NO_VDI, () -> vdis().delete(DISK, BY_ONE));
    createVdi("disk", MIB);
    assertFails(ResultCode.NO_TAG, () -> vdis().delete(DISK, BY_ONE));
  }

  @Test
  void lock_taken_refusedToAllOthersUntilClosed() throws Exception {
    assertFails(ResultCode.NO_VDI, () -> vdis().lock(DISK));
    VdiInfo disk = createVdi("disk", MIB);
    createVdi("other", MIB);
    Cluster other = otherClient();
    VdiLock lock = vdis().lock(DISK);
    assertEquals(disk, lock.vdi());
    assertTrue(lock.isHeld());
    assertFails(ResultCode.VDI_LOCKED, () -> other.vdis().lock(DISK));
    assertFails(ResultCode.VDI_LOCKED, () -> vdis().lock(DISK));
    other.vdis().lock(OTHER).close();
    lock.close();
    assertFalse(lock.isHeld());
    VdiLock theirs = other.vdis().lock(DISK);
    lock.close();
    assertTrue(theirs.isHeld());
    assertFails(ResultCode.VDI_LOCKED, () -> vdis().lock(DISK));
    theirs.close();
  }

  @Test
  void lock_thenSnapshot_holdsTheSuccessor() throws Exception {
    createVdi("disk", MIB);
    Cluster other = otherClient();
    VdiLock lock = vdis().lock(DISK);
    vdis().snapshot(DISK, ONE);
    other.vdis().snapshot(DISK, TWO);
    assertTrue(lock.isHeld());
    assertFails(ResultCode.VDI_LOCKED, () -> other.vdis().lock(DISK));
    lock.close();
    VdiLock theirs = other.vdis().lock(DISK);
    assertEquals(vdis().lookup(DISK), theirs.vdi());
    theirs.close();
  }

  @Test
  void lock_clientCloses_freed() throws Exception {
    createVdi("disk", MIB);
    Cluster other = otherClient();
    VdiLock theirs = other.vdis().lock(DISK);
    other.close();
    assertFalse(theirs.isHeld());
    eventually(
        "their lock is free",
        () -> {
          try {
            vdis().lock(DISK).close();
            return true;
          } catch (SheepException e) {
            assertEquals(ResultCode.VDI_LOCKED, e.result());
            return false;
          }
        });
  }

  @Test
  void delete_lockedByAnother_refused() throws Exception {
    VdiInfo disk = createVdi("disk", MIB);
    VdiLock lock = vdis().lock(DISK);
    Cluster other = otherClient();
    assertFails(ResultCode.VDI_LOCKED, () -> other.vdis().delete(DISK));
    assertEquals(disk, vdis().lookup(DISK));
    vdis().delete(DISK);
    assertFails(ResultCode.NO_VDI, () -> vdis().lookup(DISK));
    lock.close();
  }

  @Test
  void everything_afterReopening_asBefore() throws Exception {
    createVdi("disk", 16 * MIB);
    vdis().snapshot(DISK, ONE);
    vdis().cloneSnapshot(vdis().lookup(DISK, BY_ONE).vid(), OTHER);
    vdis().resize(OTHER, 5);
    createVdi("third", 0);
    vdis().delete(new VdiName("third"));
    List<VdiInfo> before = vdis().list();
    assertEquals(3, before.size());
    reopen();
    assertEquals(before, vdis().list());
    assertEquals(5, vdis().lookup(OTHER).sizeBytes());
    assertFails(ResultCode.VDI_EXIST, () -> createVdi("disk", 1));
  }

  @Test
  void changes_ofAnotherClient_seenAtOnce() throws Exception {
    Cluster other = otherClient();
    VdiInfo disk = other.vdis().create(DISK, VdiSpec.ofSize(MIB));
    assertEquals(disk, vdis().lookup(DISK));
    VdiInfo working = vdis().snapshot(DISK, ONE);
    assertEquals(working, other.vdis().lookup(DISK));
    vdis().delete(DISK);
    assertFails(ResultCode.NO_VDI, () -> other.vdis().lookup(DISK));
  }

  @Test
  void parallelCreate_manyNames_distinctIds() throws Exception {
    inParallel(
        8,
        thread -> {
          for (int i = 0; i < 8; i++) {
            createVdi("disk " + thread + "." + i, MIB);
          }
        });
    Set<VdiId> ids = new HashSet<>();
    vdis().list().forEach(info -> ids.add(info.vid()));
    assertEquals(64, ids.size());
  }

  @Test
  void parallelCreateLockAndSnapshot_oneName_oneWinsEach() throws Exception {
    Cluster other = otherClient();
    AtomicInteger made = new AtomicInteger();
    AtomicInteger locked = new AtomicInteger();
    inParallel(
        8,
        thread -> {
          VdiDirectory mine = thread % 2 == 0 ? vdis() : other.vdis();
          count(made, ResultCode.VDI_EXIST, () -> mine.create(DISK, VdiSpec.ofSize(MIB)));
        });
    assertEquals(1, made.get());
    made.set(0);
    inParallel(
        8,
        thread -> {
          VdiDirectory mine = thread % 2 == 0 ? vdis() : other.vdis();
          count(locked, ResultCode.VDI_LOCKED, () -> mine.lock(DISK));
          count(made, ResultCode.VDI_EXIST, () -> mine.snapshot(DISK, ONE));
        });
    assertEquals(1, locked.get());
    assertEquals(1, made.get());
    assertEquals(2, vdis().list().size());
  }

  private interface Attempt {
    Object run() throws SheepException;
  }

  private static void count(AtomicInteger successes, ResultCode otherwise, Attempt attempt)
      throws SheepException {
    try {
      attempt.run();
      successes.incrementAndGet();
    } catch (SheepException e) {
      if (e.result() != otherwise) {
        throw e;
      }
    }
  }
}
