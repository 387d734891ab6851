package io.sheepfs.store.object;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.Disk.Change;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class DiskSetTest {

  private static final int OBJECTS = 300;
  private static final VdiId VID = new VdiId(0xabc);

  @TempDir private Path directory;
  private final List<ObjectFiles> opened = new ArrayList<>();
  private final Set<Integer> full = new HashSet<>();
  private final List<String> forced = Collections.synchronizedList(new ArrayList<>());

  @AfterEach
  void close() {
    opened.forEach(ObjectFiles::close);
  }

  /** Disk {@code n} has that number as its key. */
  private DiskSet.Part disk(int number, double weight) throws IOException {
    Path place = directory.resolve("disk" + number);
    Files.createDirectories(place);
    Disk disk =
        new Disk(
            place,
            (change, path) -> {
              if (change == Change.CREATE && full.contains(number)) {
                throw new IOException("No space left on device");
              }
              if (change == Change.FORCE || change == Change.FORCE_DIRECTORY) {
                forced.add(path.getFileName() + " on " + number);
              }
            });
    ObjectFiles files = new ObjectFiles(place, disk, 16);
    opened.add(files);
    return new DiskSet.Part(number, weight, files);
  }

  private static ObjectId object(int index) {
    return ObjectId.data(VID, index);
  }

  private static ByteBuffer bytes(int value) {
    return ByteBuffer.allocate(4).putInt(0, value);
  }

  private static void fill(DiskSet set) throws SheepException {
    for (int i = 0; i < OBJECTS; i++) {
      set.create(object(i), 0, bytes(i), Durability.UNSTABLE);
    }
  }

  private static void check(DiskSet set) throws SheepException {
    checkMoving(set);
    for (int i = 0; i < OBJECTS; i++) {
      assertTrue(Files.exists(set.file(object(i))));
    }
  }

  /** Objects may be moved meanwhile: a file can be gone as soon as it is named. */
  private static void checkMoving(DiskSet set) throws SheepException {
    assertEquals(OBJECTS, set.dataOf(VID).size());
    for (int i = 0; i < OBJECTS; i++) {
      assertTrue(set.exists(object(i)));
      ByteBuffer found = ByteBuffer.allocate(4);
      set.read(object(i), 0, found);
      assertEquals(i, found.getInt(0));
    }
  }

  private int count(int disk) throws IOException {
    try (var files = Files.list(directory.resolve("disk" + disk))) {
      return (int) files.count();
    }
  }

  @Test
  void objects_areSpreadByWeight() throws IOException {
    DiskSet set = new DiskSet(List.of(disk(1, 1), disk(2, 2), disk(3, 0)));
    fill(set);
    check(set);
    assertEquals(OBJECTS, count(1) + count(2));
    assertTrue(count(1) > OBJECTS / 4 && count(1) < OBJECTS * 5 / 12, count(1) + " of 300");
  }

  @Test
  void objects_stayWhereTheyAre_whenDisksComeAndWeightsChange() throws IOException {
    DiskSet before = new DiskSet(List.of(disk(1, 1), disk(2, 1)));
    fill(before);
    int first = count(1);
    DiskSet after = new DiskSet(List.of(disk(3, 4), disk(2, 1), disk(1, 0)));
    check(after);
    for (int i = 0; i < OBJECTS; i += 2) {
      after.write(object(i), 0, bytes(-i), Durability.UNSTABLE);
      after.create(object(i), 0, bytes(i), Durability.UNSTABLE);
    }
    check(after);
    assertEquals(first, count(1));
    assertEquals(0, count(3));
    for (int i = 0; i < OBJECTS; i++) {
      assertTrue(after.remove(object(i)));
      assertFalse(after.exists(object(i)));
    }
    fill(after);
    check(after);
    assertEquals(0, count(1), "it has no weight any more");
    assertTrue(count(3) > count(2));
  }

  @Test
  void disk_thatIsFull_leavesItsObjectsToTheOthers() throws IOException {
    full.add(1);
    DiskSet set = new DiskSet(List.of(disk(1, 1), disk(2, 1)));
    fill(set);
    check(set);
    assertEquals(OBJECTS, count(2));
    full.add(2);
    ObjectId more = object(OBJECTS);
    SheepException refused =
        assertThrows(
            SheepException.class, () -> set.create(more, 0, bytes(1), Durability.UNSTABLE));
    assertEquals(ResultCode.NO_SPACE, refused.result());
    assertFalse(set.exists(more));
  }

  @Test
  void flush_forcesTheInodeLast() throws IOException {
    DiskSet set = new DiskSet(List.of(disk(1, 1), disk(2, 1), disk(3, 1)));
    ObjectId inode = ObjectId.inode(VID);
    fill(set);
    set.create(inode, 0, bytes(1), Durability.UNSTABLE);
    forced.clear();
    set.flush(VID);
    assertTrue(set.isAllSynced());
    assertTrue(forced.size() > OBJECTS);
    String last = forced.get(forced.size() - 1);
    assertTrue(last.startsWith(inode.toString()), last);
  }

  @Test
  void disk_thatLeaves_isEmptiedObjectByObject() throws IOException {
    DiskSet set = new DiskSet(List.of(disk(1, 1), disk(2, 1)));
    fill(set);
    set.create(ObjectId.inode(VID), 0, bytes(9), Durability.UNSTABLE);
    set.weigh(1, 0);
    assertThrows(IllegalArgumentException.class, () -> set.move(object(0), 2));
    List<ObjectId> old = set.list(1);
    assertTrue(old.size() > OBJECTS / 4);
    for (ObjectId oid : old) {
      set.move(oid, 1);
      assertEquals(OBJECTS + 1, set.list().size());
    }
    assertEquals(0, count(1));
    set.drop(1);
    check(set);
    set.add(disk(3, 1));
    for (int i = 0; i < OBJECTS; i++) {
      set.write(object(i), 0, bytes(i), Durability.UNSTABLE);
      set.create(ObjectId.data(new VdiId(5), i), 0, bytes(i), Durability.UNSTABLE);
    }
    check(set);
    assertTrue(count(3) > OBJECTS / 4);
  }

  @Test
  void move_thatIsDoneAgain_keepsTheNewCopy() throws IOException {
    DiskSet set = new DiskSet(List.of(disk(1, 0), disk(2, 1)));
    set.create(object(1), 0, bytes(7), Durability.STABLE);
    Files.copy(
        directory.resolve("disk2").resolve(object(1).toString()),
        directory.resolve("disk1").resolve(object(1).toString()));
    set.write(object(1), 0, bytes(8), Durability.STABLE);
    assertEquals(1, set.list().size());
    set.move(object(1), 1);
    ByteBuffer found = ByteBuffer.allocate(4);
    set.read(object(1), 0, found);
    assertEquals(8, found.getInt(0));
    assertEquals(0, count(1));
  }

  @Test
  void move_withoutRoomElsewhere_leavesTheObjectWhereItIs() throws IOException {
    DiskSet set = new DiskSet(List.of(disk(1, 1)));
    fill(set);
    set.add(disk(2, 1));
    set.weigh(1, 0);
    full.add(2);
    SheepException refused = assertThrows(SheepException.class, () -> set.move(object(3), 1));
    assertEquals(ResultCode.NO_SPACE, refused.result());
    check(set);
    assertEquals(OBJECTS, count(1));
  }

  @Test
  void objects_areReadWhileTheyAreMoved() throws Exception {
    DiskSet set = new DiskSet(List.of(disk(1, 1), disk(2, 1)));
    fill(set);
    AtomicBoolean ends = new AtomicBoolean();
    CompletableFuture<Integer> reader =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                int rounds = 0;
                while (!ends.get() || rounds == 0) {
                  checkMoving(set);
                  rounds++;
                }
                return rounds;
              } catch (SheepException e) {
                throw new CompletionException(e);
              }
            });
    for (int round = 0; round < 6; round++) {
      int from = 1 + round % 2;
      set.weigh(3 - from, 1);
      set.weigh(from, 0);
      for (ObjectId oid : set.list(from)) {
        set.move(oid, from);
      }
      assertEquals(0, count(from));
    }
    ends.set(true);
    assertTrue(reader.get() > 0);
  }

  @Test
  void disk_thatIsGone_doesNotMakeItsObjectsLookDeleted() throws IOException {
    DiskSet set = new DiskSet(List.of(disk(1, 1), disk(2, 1)));
    List<Long> told = Collections.synchronizedList(new ArrayList<>());
    set.onFailure((part, failure) -> told.add(part.key()));
    fill(set);
    List<ObjectId> kept = set.list(2);
    ObjectId lost = set.list(1).get(0);
    Files.move(directory.resolve("disk1"), directory.resolve("away"));
    Files.createDirectories(directory.resolve("disk1")); // as when it is not mounted
    ByteBuffer found = ByteBuffer.allocate(4);
    set.read(kept.get(0), 0, found);
    set.clear(); // no file is open any more
    assertEquals(ResultCode.EIO, refusal(() -> set.read(lost, 0, found.clear())));
    assertEquals(ResultCode.EIO, refusal(() -> set.exists(lost)));
    assertEquals(
        ResultCode.EIO,
        refusal(() -> set.create(object(OBJECTS), 0, bytes(1), Durability.UNSTABLE)));
    assertTrue(told.contains(1L) && !told.contains(2L), told.toString());
    set.drop(1);
    assertFalse(set.exists(lost));
    assertEquals(kept.size(), set.list().size());
  }

  private static ResultCode refusal(Executable work) {
    return assertThrows(SheepException.class, work).result();
  }

  @Test
  void noDiskForNewObjects_isRefused() throws IOException {
    DiskSet.Part none = disk(1, 0);
    assertThrows(IllegalArgumentException.class, () -> new DiskSet(List.of(none)));
  }
}
