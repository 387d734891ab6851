package io.sheepfs.store;

import static io.sheepfs.protocol.Durability.STABLE;
import static io.sheepfs.protocol.Durability.UNSTABLE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is forced when, and what a failure of the disk does. */
class FlushTest {

  private static final int OBJECTS = 10;

  private final StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY);
  private final List<String> changes = Collections.synchronizedList(new ArrayList<>());
  private LocalSheep sheep;
  private VdiId vid;
  private volatile FailingChange failing = (change, path) -> {};

  private interface FailingChange {
    void check(Disk.Change change, Path path) throws IOException;
  }

  FlushTest() throws IOException {
    sheep = open("boot");
    vid = sheep.vdis().create(new VdiName("disk"), VdiSpec.ofSize(1 << 30)).vid();
  }

  private LocalSheep open(String bootId) throws IOException {
    return LocalSheep.open(
        disk.store(),
        LocalSheepOptions.defaults(),
        bootId,
        (change, path) -> {
          failing.check(change, path);
          changes.add(change + " " + path.getFileName());
        });
  }

  @BeforeEach
  void forgetPreparations() {
    changes.clear();
  }

  @AfterEach
  void close() throws IOException {
    sheep.close();
    disk.close();
  }

  private void allocateAll() throws SheepException {
    for (int i = 0; i < OBJECTS; i++) {
      LocalSheepTest.allocate(sheep, vid, i, i, UNSTABLE);
    }
  }

  private List<String> forces() {
    synchronized (changes) {
      return changes.stream().filter(change -> change.startsWith("FORCE")).toList();
    }
  }

  private void reopenAsAfterKill(String bootId) throws IOException {
    failing =
        (change, path) -> {
          throw new IOException("killed");
        };
    try {
      sheep.close();
    } catch (IOException killed) {
      assertEquals("killed", killed.getMessage());
    }
    failing = (change, path) -> {};
    sheep = open(bootId);
    changes.clear();
  }

  @Test
  void flush_manyUnstableWrites_forcesEachObjectOnceAndTheInodeLast() throws IOException {
    allocateAll();
    for (int i = 0; i < OBJECTS; i++) {
      sheep.objects().write(ObjectId.data(vid, i), 100, LocalSheepTest.bytes(10, 1), UNSTABLE);
    }
    assertEquals(List.of(), forces());
    sheep.objects().flush(vid);
    List<String> forces = forces();
    assertEquals(OBJECTS + 2, forces.stream().distinct().count());
    assertEquals(OBJECTS + 2, forces.size());
    assertEquals("FORCE_DIRECTORY obj", forces.get(OBJECTS));
    assertEquals("FORCE " + ObjectId.inode(vid), forces.get(OBJECTS + 1));
    sheep.objects().flush(vid);
    assertEquals(OBJECTS + 2, forces().size());
  }

  @Test
  void flush_ofAnotherVdi_leavesTheObjectsAlone() throws IOException {
    VdiId other = sheep.vdis().create(new VdiName("other"), VdiSpec.ofSize(1)).vid();
    allocateAll();
    changes.clear();
    sheep.objects().flush(other);
    assertTrue(
        forces().stream().noneMatch(force -> force.startsWith("FORCE ")), forces()::toString);
  }

  @Test
  void create_unstableInPlaceOfAnother_isDurableAtOnce() throws IOException {
    LocalSheepTest.allocate(sheep, vid, 0, 1, STABLE);
    changes.clear();
    sheep.objects().create(ObjectId.data(vid, 0), 0, LocalSheepTest.bytes(9, 9), UNSTABLE);
    assertEquals(2, forces().size());
    assertEquals("FORCE_DIRECTORY obj", forces().get(1));
  }

  @Test
  void flush_afterFailedForce_failsUntilTheObjectIsMadeAnew() throws IOException {
    allocateAll();
    String bad = ObjectId.data(vid, 3).toString();
    failing =
        (change, path) -> {
          if (change == Disk.Change.FORCE && path.endsWith(bad)) {
            throw new IOException("bad sector");
          }
        };
    LocalSheepTest.assertFails(ResultCode.EIO, () -> sheep.objects().flush(vid));
    failing = (change, path) -> {};
    LocalSheepTest.assertFails(ResultCode.EIO, () -> sheep.objects().flush(vid));
    assertFalse(forces().contains("FORCE " + ObjectId.inode(vid)));
    sheep.objects().write(ObjectId.data(vid, 3), 0, LocalSheepTest.bytes(1, 1), UNSTABLE);
    LocalSheepTest.assertFails(ResultCode.EIO, () -> sheep.objects().flush(vid));
    sheep.objects().create(ObjectId.data(vid, 3), 0, LocalSheepTest.bytes(1, 1), UNSTABLE);
    sheep.objects().flush(vid);
    assertTrue(forces().contains("FORCE " + ObjectId.inode(vid)));
  }

  @Test
  void flush_ofManyObjects_forcesSomeAtTheSameTime() throws IOException {
    allocateAll();
    CyclicBarrier bothThere = new CyclicBarrier(2);
    List<String> two = List.of(ObjectId.data(vid, 0).toString(), ObjectId.data(vid, 1).toString());
    failing =
        (change, path) -> {
          if (change == Disk.Change.FORCE && two.contains(String.valueOf(path.getFileName()))) {
            try {
              bothThere.await(60, TimeUnit.SECONDS);
            } catch (InterruptedException | BrokenBarrierException | TimeoutException e) {
              throw new IOException(e);
            }
          }
        };
    sheep.objects().flush(vid);
    assertEquals(OBJECTS + 2, forces().size());
  }

  /** Writes so much to an object that it is forced before anybody asks, and waits for that. */
  private void writeUntilForced(int index) throws Exception {
    CountDownLatch forced = new CountDownLatch(1);
    FailingChange failingBefore = failing;
    String name = ObjectId.data(vid, index).toString();
    failing =
        (change, path) -> {
          try {
            failingBefore.check(change, path);
          } finally {
            if (change == Disk.Change.FORCE && path.endsWith(name)) {
              forced.countDown();
            }
          }
        };
    for (int offset = 0; offset < 4 << 20; offset += 1 << 20) {
      sheep
          .objects()
          .write(ObjectId.data(vid, index), offset, LocalSheepTest.bytes(1 << 20, index), UNSTABLE);
    }
    assertTrue(forced.await(60, TimeUnit.SECONDS));
    failing = failingBefore;
  }

  @Test
  void flush_afterAnEarlyForce_forcesTheObjectAgain() throws Exception {
    allocateAll();
    writeUntilForced(3);
    changes.clear();
    sheep.objects().flush(vid);
    assertTrue(forces().contains("FORCE " + ObjectId.data(vid, 3)), forces()::toString);
  }

  @Test
  void flush_afterAnEarlyForceThatFailed_fails() throws Exception {
    allocateAll();
    String bad = ObjectId.data(vid, 3).toString();
    failing =
        (change, path) -> {
          if (change == Disk.Change.FORCE && path.endsWith(bad)) {
            throw new IOException("bad sector");
          }
        };
    writeUntilForced(3);
    failing = (change, path) -> {};
    LocalSheepTest.assertFails(ResultCode.EIO, () -> sheep.objects().flush(vid));
    LocalSheepTest.assertFails(
        ResultCode.EIO,
        () -> sheep.objects().write(ObjectId.data(vid, 3), 0, LocalSheepTest.bytes(1, 1), STABLE));
    sheep.objects().create(ObjectId.data(vid, 3), 0, LocalSheepTest.bytes(1, 1), UNSTABLE);
    sheep.objects().flush(vid);
  }

  @Test
  void flush_afterKill_forcesWhatTheLastProcessWrote() throws IOException {
    allocateAll();
    reopenAsAfterKill("boot");
    sheep.objects().flush(vid);
    assertTrue(forces().contains("FORCE " + ObjectId.data(vid, 3)), forces()::toString);
    assertTrue(forces().contains("FORCE " + ObjectId.inode(vid)), forces()::toString);
  }

  /** The next start takes what ran until now for begun while the clock was an hour ahead. */
  private void reopenWithClockSetBack() throws IOException {
    sheep.flushAll();
    Path mark = disk.store().resolve("running");
    Files.setLastModifiedTime(mark, FileTime.from(Instant.now().plus(Duration.ofHours(1))));
    reopenAsAfterKill("boot");
  }

  @Test
  void flush_afterKillAndClockSetBack_forcesWhatTheLastProcessWrote() throws IOException {
    allocateAll();
    reopenWithClockSetBack();
    sheep.objects().flush(vid);
    assertFalse(forces().contains("FORCE " + ObjectId.data(vid, 3)), forces()::toString);
    sheep.objects().write(ObjectId.data(vid, 3), 0, LocalSheepTest.bytes(1, 1), UNSTABLE);
    reopenAsAfterKill("boot");
    sheep.objects().flush(vid);
    assertTrue(forces().contains("FORCE " + ObjectId.data(vid, 3)), forces()::toString);
  }

  @Test
  void open_afterKillAndClockSetBack_keepsWhatAClientMayStillName() throws IOException {
    reopenWithClockSetBack();
    sheep.objects().create(ObjectId.data(vid, 40), 0, LocalSheepTest.bytes(1, 1), UNSTABLE);
    reopenAsAfterKill("boot");
    assertTrue(sheep.objects().exists(ObjectId.data(vid, 40)));
  }

  @Test
  void open_afterPowerCut_clearsEntriesThatWereNeverFlushed() throws IOException {
    allocateAll();
    Files.delete(disk.store().resolve("obj").resolve(ObjectId.data(vid, 4).toString()));
    reopenAsAfterKill("next boot");
    assertEquals(0, LocalSheepTest.entry(sheep, vid, 4));
    assertEquals(vid.value(), LocalSheepTest.entry(sheep, vid, 5));
  }

  @Test
  void open_afterKill_keepsEntriesOfMissingObjects() throws IOException {
    allocateAll();
    Files.delete(disk.store().resolve("obj").resolve(ObjectId.data(vid, 4).toString()));
    reopenAsAfterKill("boot");
    assertEquals(vid.value(), LocalSheepTest.entry(sheep, vid, 4));
    LocalSheepTest.assertFails(
        ResultCode.NO_OBJ, () -> LocalSheepTest.read(sheep, ObjectId.data(vid, 4), 0, 1));
  }

  @Test
  void open_afterKill_removesLeaksAndTemporaries() throws IOException {
    allocateAll();
    sheep.objects().create(ObjectId.data(vid, 40), 0, LocalSheepTest.bytes(1, 1), UNSTABLE);
    Path temporary = disk.store().resolve("obj").resolve(ObjectId.data(vid, 41) + ".7.tmp");
    Files.createFile(temporary);
    reopenAsAfterKill("boot");
    assertFalse(Files.exists(temporary));
    assertTrue(sheep.objects().exists(ObjectId.data(vid, 40)), "its client may still name it");
    sheep.flushAll();
    sheep.close();
    sheep = open("boot");
    assertFalse(sheep.objects().exists(ObjectId.data(vid, 40)));
    assertTrue(sheep.objects().exists(ObjectId.data(vid, 0)));
  }

  @Test
  void write_noSpaceLeft_isToldApartFromABadDisk() throws IOException {
    allocateAll();
    failing =
        (change, path) -> {
          throw new IOException("No space left on device");
        };
    ObjectId oid = ObjectId.data(vid, 0);
    LocalSheepTest.assertFails(
        ResultCode.NO_SPACE,
        () -> sheep.objects().write(oid, 0, LocalSheepTest.bytes(1, 1), UNSTABLE));
    failing =
        (change, path) -> {
          throw new FileSystemException(path.toString(), null, "Disk quota exceeded");
        };
    LocalSheepTest.assertFails(
        ResultCode.NO_SPACE,
        () ->
            sheep
                .objects()
                .create(ObjectId.data(vid, 50), 0, LocalSheepTest.bytes(1, 1), UNSTABLE));
    failing =
        (change, path) -> {
          throw new IOException("Input/output error");
        };
    LocalSheepTest.assertFails(
        ResultCode.EIO, () -> sheep.objects().write(oid, 0, LocalSheepTest.bytes(1, 1), UNSTABLE));
    failing = (change, path) -> {};
    sheep.objects().flush(vid);
  }

  @Test
  void snapshot_stuckHalfWay_stopsAllWritesUntilReopened() throws IOException {
    allocateAll();
    failing =
        (change, path) -> {
          if (change == Disk.Change.WRITE && path.endsWith(ObjectId.inode(vid).toString())) {
            throw new IOException("bad sector");
          }
        };
    VdiName name = new VdiName("disk");
    LocalSheepTest.assertFails(
        ResultCode.EIO, () -> sheep.vdis().snapshot(name, new SnapshotTag("s")));
    failing = (change, path) -> {};
    LocalSheepTest.assertFails(
        ResultCode.EIO,
        () ->
            sheep.objects().write(ObjectId.data(vid, 0), 0, LocalSheepTest.bytes(1, 1), UNSTABLE));
    sheep.close();
    sheep = open("boot");
    assertEquals(2, sheep.vdis().list().size());
  }
}
