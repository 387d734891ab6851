package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.SealedFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class StoreDisksTest {

  private static final int OBJECTS = 40;

  @TempDir private Path directory;

  private Path path(String name) {
    return directory.resolve(name);
  }

  private static ObjectId object(int index) {
    return ObjectId.data(new VdiId(7), index);
  }

  /** Adds objects, and checks all that there should be. */
  private void run(int from, int to, Path... disks) throws IOException {
    ClusterStore store = ClusterStore.open(path("root"), List.of(disks));
    for (int i = from; i < to; i++) {
      store.files().create(object(i), 0, ByteBuffer.allocate(4).putInt(0, i), Durability.UNSTABLE);
    }
    assertEquals(to, store.files().list().size());
    for (int i = 0; i < to; i++) {
      ByteBuffer found = ByteBuffer.allocate(4);
      store.files().read(object(i), 0, found);
      assertEquals(i, found.getInt(0));
    }
    long total = store.space().totalBytes();
    assertTrue(store.space().freeBytes() <= total);
    store.close(List.of());
  }

  private int count(String disk) throws IOException {
    try (var files = Files.list(path(disk).resolve("obj"))) {
      return (int) files.count();
    }
  }

  private String refusal(Path... disks) {
    IOException refused =
        assertThrows(IOException.class, () -> ClusterStore.open(path("root"), List.of(disks)));
    return String.valueOf(refused.getMessage());
  }

  @Test
  void objects_areOnTheDisks_andTheStoreHasNone() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    assertEquals(0, count("root"));
    assertEquals(OBJECTS, count("a") + count("b"));
    assertTrue(count("a") > 0 && count("b") > 0);
    run(OBJECTS, 2 * OBJECTS, path("b"), path("a"), path("c"));
    assertTrue(count("c") > 0);
  }

  @Test
  void store_thatHadOneDisk_keepsWhatItHas() throws IOException {
    run(0, OBJECTS);
    run(OBJECTS, 2 * OBJECTS, path("a"));
    assertEquals(OBJECTS, count("root"));
    assertEquals(OBJECTS, count("a"));
  }

  @Test
  void disk_thatIsMissingOrAnothers_isRefused() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    Files.move(path("b"), path("away"));
    assertTrue(refusal(path("a")).contains("is missing"), refusal(path("a")));
    assertTrue(refusal().contains("is missing"));
    Files.createDirectories(path("b"));
    assertTrue(refusal(path("a"), path("b")).contains("is missing"), "it is not mounted");
    assertTrue(refusal(path("a"), path("away"), path("away")).contains("twice"));
    Files.deleteIfExists(path("b").resolve("obj"));
    Files.delete(path("b"));
    Files.move(path("away"), path("b"));
    assertTrue(refusal(path("a"), path("b"), path("a")).contains("twice"));
    assertTrue(refusal(path("a"), path("b"), path("root")).contains("itself"));
    Files.createDirectories(path("full/letters"));
    assertTrue(refusal(path("a"), path("b"), path("full")).contains("neither empty"));
    ClusterStore other = ClusterStore.open(path("other"), List.of(path("c")));
    other.close(List.of());
    assertTrue(refusal(path("a"), path("b"), path("c")).contains("another node"));
    run(OBJECTS, OBJECTS, path("a"), path("b"));
  }

  private ClusterStore openWithout(List<Path> disks, Path... without) throws IOException {
    return ClusterStore.open(path("root"), disks, List.of(without));
  }

  @Test
  void disk_thatIsMissing_canBeDoneWithout() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    Files.move(path("b"), path("away"));
    List<Path> both = List.of(path("a"), path("b"));
    ClusterStore store = openWithout(both, path("b"));
    assertEquals(path("b").toAbsolutePath().normalize(), store.storeDisks().missing());
    assertEquals(Loss.NONE, store.loss(), "nobody has decided yet");
    store.close(List.of());
    assertTrue(refusal(path("a")).contains("--without-disk"), refusal(path("a")));
    store = openWithout(both, path("b"));
    store.storeDisks().loseMissing();
    assertNull(store.storeDisks().missing());
    assertEquals(Loss.OBJECTS, store.loss());
    store.close(List.of());
    Files.move(path("away"), path("b"));
    store = openWithout(both, path("b"));
    assertNull(store.storeDisks().missing(), "it is lost already");
    assertEquals(List.of(path("a")), disks(store), "what it has is old");
    assertEquals(Loss.OBJECTS, store.loss());
    store.complete();
    assertEquals(Loss.NONE, store.loss());
    store.close(List.of());
  }

  /** A disk that is there all the same, but of no use: it is not looked at. */
  @Test
  void disk_thatIsThere_canBeDoneWithout_butNotTheLastOne() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    List<Path> both = List.of(path("a"), path("b"));
    IOException last =
        assertThrows(IOException.class, () -> openWithout(both, path("a"), path("b")));
    assertTrue(String.valueOf(last.getMessage()).contains("only disk"), last::toString);
    IOException none = assertThrows(IOException.class, () -> openWithout(both, path("x")));
    assertTrue(String.valueOf(none.getMessage()).contains("has no disk"), none::toString);
    ClusterStore store = openWithout(List.of(path("a")), path("b"));
    assertEquals(List.of(path("a")), disks(store));
    store.close(List.of());
    run(OBJECTS, OBJECTS, path("a"), path("b"));
  }

  private static List<Path> disks(ClusterStore store) {
    return store.storeDisks().objects().parts().stream()
        .map(part -> part.files().directory().getParent())
        .sorted()
        .toList();
  }

  /** What {@link io.sheepfs.store.cluster.Departures} does, up to a number of objects. */
  private static void move(ClusterStore store, int most) throws IOException {
    for (StoreDisks.Leaving leaving : store.storeDisks().leaving()) {
      List<ObjectId> oids = store.files().list(leaving.key());
      for (ObjectId oid : oids.subList(0, Math.min(most, oids.size()))) {
        store.files().move(oid, leaving.key());
      }
      if (oids.size() <= most) {
        store.storeDisks().left(leaving);
      }
    }
  }

  private static ResultCode refused(Executable work) {
    return assertThrows(SheepException.class, work).result();
  }

  @Test
  void diskThatIsPlugged_isThereAfterARestart_alsoIfItIsNotGiven() throws IOException {
    run(0, OBJECTS);
    ClusterStore store = ClusterStore.open(path("root"), List.of());
    store.storeDisks().plug(path("a"));
    store.storeDisks().plug(path("a"));
    for (int i = OBJECTS; i < 2 * OBJECTS; i++) {
      store.files().create(object(i), 0, ByteBuffer.allocate(4).putInt(0, i), Durability.UNSTABLE);
    }
    assertEquals(OBJECTS, count("a"), "the node's own directory gets nothing more");
    store.close(List.of());
    run(2 * OBJECTS, 2 * OBJECTS);
    Files.createDirectories(path("full/letters"));
    ClusterStore again = ClusterStore.open(path("root"), List.of());
    assertThrows(IOException.class, () -> again.storeDisks().plug(path("full")));
    assertEquals(ResultCode.INVALID_PARMS, refused(() -> again.storeDisks().unplug(path("a"))));
    again.storeDisks().unplug(path("root"));
    move(again, 1000);
    assertEquals(List.of(path("a")), disks(again));
    again.close(List.of());
    run(2 * OBJECTS, 2 * OBJECTS);
    assertEquals(2 * OBJECTS, count("a"));
  }

  @Test
  void diskThatIsUnplugged_givesItsObjectsToTheOthers_alsoAfterARestart() throws IOException {
    run(0, OBJECTS, path("a"), path("b"), path("c"));
    ClusterStore store = ClusterStore.open(path("root"), List.of());
    assertEquals(ResultCode.INVALID_PARMS, refused(() -> store.storeDisks().unplug(path("x"))));
    int inB = count("b");
    store.storeDisks().unplug(path("b"));
    store.storeDisks().unplug(path("b").resolve("obj"));
    move(store, inB / 2);
    assertTrue(count("b") > 0 && count("b") < inB);
    ObjectId left = store.files().list(store.storeDisks().leaving().get(0).key()).get(0);
    store.close(List.of());
    // as if the last move had been cut short
    Path half = path("b").resolve("obj").resolve(left.toString());
    Path whole = path("a").resolve("obj").resolve(left.toString());
    Files.copy(half, whole);
    Files.write(half, new byte[4]);
    ClusterStore again = ClusterStore.open(path("root"), List.of(path("a"), path("b")));
    assertEquals(1, again.storeDisks().leaving().size());
    assertEquals(OBJECTS, again.files().list().size());
    move(again, 1000);
    assertEquals(List.of(path("a"), path("c")), disks(again));
    again.close(List.of());
    run(OBJECTS, OBJECTS, path("a"), path("b"), path("c"));
    assertEquals(OBJECTS, count("a") + count("c"), "what was unplugged is not used when given");
    ClusterStore last = ClusterStore.open(path("root"), List.of());
    last.storeDisks().plug(path("b"));
    assertEquals(3, disks(last).size());
    last.storeDisks().unplug(path("a"));
    last.storeDisks().unplug(path("b"));
    assertEquals(ResultCode.INVALID_PARMS, refused(() -> last.storeDisks().unplug(path("c"))));
    last.storeDisks().stays(last.storeDisks().leaving().get(0));
    assertEquals(1, last.storeDisks().leaving().size());
    last.close(List.of());
  }

  @Test
  void diskThatFails_isLeftOut_andTheNodeIsIncompleteUntilItHasAll() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    ClusterStore store = ClusterStore.open(path("root"), List.of());
    AtomicInteger told = new AtomicInteger();
    store.storeDisks().onTrouble(told::incrementAndGet);
    assertNull(store.storeDisks().failed());
    int inB = count("b");
    Files.move(path("b"), path("away"));
    assertEquals(ResultCode.EIO, refused(() -> store.files().list()));
    assertEquals(1, told.get());
    assertEquals(path("b"), store.storeDisks().failed());
    assertTrue(store.space().totalBytes() > 0);
    store.storeDisks().lose(path("b"));
    assertEquals(Loss.OBJECTS, store.loss());
    assertEquals(List.of(path("a")), disks(store));
    assertEquals(OBJECTS - inB, store.files().list().size());
    store.close(List.of());
    Files.move(path("away"), path("b"));
    ClusterStore again = ClusterStore.open(path("root"), List.of(path("a"), path("b")));
    assertEquals(Loss.OBJECTS, again.loss());
    assertEquals(OBJECTS - inB, again.files().list().size(), "its objects are old");
    assertThrows(IOException.class, () -> again.storeDisks().plug(path("b")));
    again.complete();
    assertEquals(Loss.NONE, again.loss());
    again.close(List.of());
    ClusterStore last = ClusterStore.open(path("root"), List.of(path("a"), path("b")));
    assertEquals(Loss.NONE, last.loss());
    assertEquals(List.of(path("a")), disks(last));
    Files.move(path("a"), path("away"));
    assertEquals(ResultCode.EIO, refused(() -> last.files().list()));
    assertNull(last.storeDisks().failed(), "it is the last one");
    last.close(List.of());
  }

  @Test
  void lossThatWasCutShort_isCompletedAtTheNextStart() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    Path list = path("root").resolve("disks");
    String line =
        Files.readAllLines(list).stream().filter(l -> l.endsWith("/b")).findFirst().orElseThrow();
    Disk disk = new Disk(path("root"), (change, path) -> {});
    SealedFile.replace(disk, path("root").resolve("incomplete"), line + "\n");
    ClusterStore store = ClusterStore.open(path("root"), List.of(path("a"), path("b")));
    assertEquals(List.of(path("a")), disks(store));
    assertEquals(Loss.OBJECTS, store.loss());
    store.close(List.of());
  }

  @Test
  void disk_thatWasMoved_isFound() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    Files.move(path("a"), path("z"));
    run(OBJECTS, OBJECTS, path("b"), path("z"));
    run(OBJECTS, OBJECTS, path("z"), path("b"));
  }

  @Test
  void firstStart_thatWasCutShort_isDoneAgain() throws IOException {
    run(0, OBJECTS, path("a"), path("b"));
    Files.delete(path("root").resolve("disks")); // it is written last
    run(OBJECTS, OBJECTS, path("a"), path("b"));
  }
}
