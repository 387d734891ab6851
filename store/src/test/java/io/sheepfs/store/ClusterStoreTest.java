package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class ClusterStoreTest {

  private static final ObjectId OID = ObjectId.data(new VdiId(7), 0);

  private static Loss lossOfNextRun(Path root, boolean settles) throws IOException {
    ClusterStore store = ClusterStore.open(root);
    Loss loss = store.loss();
    assertEquals(loss == Loss.NONE ? List.of() : List.of(OID), store.suspects());
    if (settles) {
      store.settled();
    }
    store.close(List.of());
    return loss;
  }

  /** It is stopped before all nodes were there. */
  @Test
  void machineDied_isSaidByEachRunUntilAllIsSettled(@TempDir Path directory) throws IOException {
    Path root = directory.resolve("store");
    ClusterStore first = ClusterStore.open(root);
    first.files().create(OID, 0, ByteBuffer.allocate(8), Durability.STABLE);
    first.close(List.of());
    assertEquals(Loss.NONE, lossOfNextRun(root, false));
    Files.writeString(root.resolve("running"), "another-boot\n");
    assertEquals(Loss.UNFLUSHED, lossOfNextRun(root, false));
    assertEquals(Loss.UNFLUSHED, lossOfNextRun(root, true));
    assertEquals(Loss.NONE, lossOfNextRun(root, false));
  }

  /** Files that are written then have times before the start. */
  @Test
  void processDied_afterItsClockWasSetBack_suspectsWhatWasChanged(@TempDir Path directory)
      throws IOException {
    Path root = directory.resolve("store");
    Path mark = root.resolve("running");
    ClusterStore first = ClusterStore.open(root);
    first.files().create(OID, 0, ByteBuffer.allocate(8), Durability.STABLE);
    first.close(List.of());
    Files.writeString(mark, RunMark.currentBootId() + "\n");
    Files.setLastModifiedTime(mark, FileTime.from(Instant.now().plus(Duration.ofHours(1))));
    ClusterStore second = ClusterStore.open(root);
    assertEquals(List.of(), second.suspects());
    second.files().write(OID, 0, ByteBuffer.allocate(8), Durability.STABLE);
    FileTime left = Files.getLastModifiedTime(mark);
    second.close(List.of());
    Files.writeString(mark, RunMark.currentBootId() + "\n");
    Files.setLastModifiedTime(mark, left);
    ClusterStore third = ClusterStore.open(root);
    assertEquals(List.of(OID), third.suspects());
    third.close(List.of());
  }
}
