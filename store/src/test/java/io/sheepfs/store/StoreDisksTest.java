package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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
    assertTrue(refusal(path("a")).contains("is missing"), refusal(path("a")));
    assertTrue(refusal().contains("is missing"));
    Files.createDirectories(path("empty"));
    assertTrue(refusal(path("a"), path("empty")).contains("is missing"), "it is not mounted");
    assertTrue(refusal(path("a"), path("b"), path("a")).contains("twice"));
    assertTrue(refusal(path("a"), path("b"), path("root")).contains("itself"));
    Files.createDirectories(path("full/letters"));
    assertTrue(refusal(path("a"), path("b"), path("full")).contains("neither empty"));
    ClusterStore other = ClusterStore.open(path("other"), List.of(path("c")));
    other.close(List.of());
    assertTrue(refusal(path("a"), path("b"), path("c")).contains("another node"));
    run(OBJECTS, OBJECTS, path("a"), path("b"));
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
