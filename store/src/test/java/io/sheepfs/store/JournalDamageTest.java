package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.object.Disk.Change;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * A store whose journal was left behind by a crash, and then has a bit that flipped, or is cut off:
 * it is not opened, and nothing of the journal is carried out. {@code -Dsheepfs.flips=N} says how
 * many.
 */
final class JournalDamageTest {

  private static final int FLIPS = Integer.getInteger("sheepfs.flips", 1000);
  private static final VdiName DISK = new VdiName("disk");
  private static final SnapshotTag TAG = new SnapshotTag("tag");

  private final Random random = new Random(Long.getLong("sheepfs.seed", 20261121));
  private boolean armed;
  private boolean crashed;

  /** The process dies as soon as the journal counts. */
  private void crash(Change change, Path path) throws IOException {
    if (crashed) {
      throw new IOException("crashed before " + change + " of " + path);
    }
    crashed = armed && change == Change.RENAME && path.endsWith("journal");
  }

  private static void endProcess(LocalSheep sheep) {
    try {
      sheep.close();
    } catch (IOException expected) {
      assertTrue(String.valueOf(expected.getMessage()).startsWith("crashed"), expected::toString);
    }
  }

  @Test
  void journal_damaged_isRefusedAndNothingIsDone() throws IOException {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
      disk.open().close();
      LocalSheep sheep =
          LocalSheep.open(disk.store(), LocalSheepOptions.defaults(), "one", this::crash);
      sheep.vdis().create(DISK, VdiSpec.ofSize(64 << 20));
      armed = true;
      assertThrows(SheepException.class, () -> sheep.vdis().snapshot(DISK, TAG));
      assertTrue(crashed, "there was no journal");
      endProcess(sheep);
      Path journal = disk.store().resolve("journal");
      byte[] right = Files.readAllBytes(journal);
      for (int flip = 0; flip < FLIPS; flip++) {
        byte[] damaged = right.clone();
        int bit = random.nextInt(right.length * 8);
        damaged[bit / 8] ^= (byte) (1 << bit % 8);
        if (flip % 10 == 0) {
          damaged = Arrays.copyOf(right, random.nextInt(right.length));
        }
        Files.write(journal, damaged);
        IOException refused = assertThrows(IOException.class, disk::open, "bit " + bit);
        assertTrue(String.valueOf(refused.getMessage()).contains("journal"), refused::toString);
      }
      Files.write(journal, right);
      try (LocalSheep again = disk.open()) {
        assertEquals(
            TAG, again.vdis().lookup(DISK, new SnapshotSelector.ByTag(TAG)).tag(), "it counted");
      }
    }
  }
}
