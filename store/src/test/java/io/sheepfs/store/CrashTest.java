package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.Test;

/**
 * Stops the process after each single change of the disk that an operation makes, opens the store
 * again, stops it in the same way during the repair, and checks that the operation happened as a
 * whole or not at all.
 */
class CrashTest {

  private static final VdiName DISK = new VdiName("disk");
  private static final VdiName COPY = new VdiName("copy");
  private static final SnapshotTag OLD = new SnapshotTag("old");
  private static final SnapshotTag NEW = new SnapshotTag("new");
  private static final LocalSheepOptions OPTIONS =
      LocalSheepOptions.defaults().withClock(() -> Instant.ofEpochSecond(1_700_000_000));

  private interface Operation {
    void on(LocalSheep sheep) throws SheepException;
  }

  /** Lets a number of changes through, then none. */
  private static final class Crash implements Disk.ChangeListener {
    private final int allowed;
    private int changes;

    Crash(int allowed) {
      this.allowed = allowed;
    }

    boolean happened() {
      return changes > allowed;
    }

    @Override
    public synchronized void beforeChange(Disk.Change change, Path path) throws IOException {
      changes++;
      if (happened()) {
        throw new IOException("crashed before " + change + " of " + path);
      }
    }
  }

  private static LocalSheep open(StoreDisk disk, String bootId) throws IOException {
    return LocalSheep.open(disk.store(), OPTIONS, bootId, (change, path) -> {});
  }

  /** A VDI with a snapshot and a clone of that; all three share and own objects. */
  private static void prepare(StoreDisk disk) throws IOException {
    try (LocalSheep sheep = open(disk, "boot")) {
      VdiId first = sheep.vdis().create(DISK, VdiSpec.ofSize(64 << 20)).vid();
      for (int i = 0; i < 4; i++) {
        LocalSheepTest.allocate(sheep, first, i, i + 1, Durability.UNSTABLE);
      }
      VdiId second = sheep.vdis().snapshot(DISK, OLD).vid();
      VdiId clone = sheep.vdis().cloneSnapshot(first, COPY).vid();
      LocalSheepTest.allocate(sheep, second, 1, 11, Durability.UNSTABLE);
      LocalSheepTest.allocate(sheep, second, 9, 19, Durability.UNSTABLE);
      LocalSheepTest.allocate(sheep, clone, 2, 22, Durability.UNSTABLE);
      sheep.objects().flush(second);
      sheep.objects().flush(clone);
    }
  }

  private static void checkAllCrashes(Operation operation) throws IOException {
    String before = stateAfter(sheep -> {});
    String after = stateAfter(operation);
    boolean crashed = true;
    for (int changes = 0; crashed; changes++) {
      boolean repairCrashed = true;
      for (int repairs = 0; repairCrashed; repairs++) {
        try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
          prepare(disk);
          crashed = crash(disk, changes, operation);
          String boot = repairs % 2 == 0 ? "boot" : "next boot";
          repairCrashed = crashWhileOpening(disk, repairs, boot);
          try (LocalSheep sheep = open(disk, boot)) {
            sheep.flushAll(); // until its end it keeps what a client might still name
          }
          try (LocalSheep sheep = open(disk, boot)) {
            String state = StoreState.of(sheep);
            String where = "after " + changes + " changes and " + repairs + " of the repair:\n";
            assertTrue(state.equals(before) || state.equals(after), where + state);
            assertTrue(crashed || state.equals(after), where + state);
          }
        }
      }
    }
  }

  private static String stateAfter(Operation operation) throws IOException {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY)) {
      prepare(disk);
      try (LocalSheep sheep = open(disk, "boot")) {
        operation.on(sheep);
        return StoreState.of(sheep);
      }
    }
  }

  /** Runs the operation until the crash; false if it was done before. */
  private static boolean crash(StoreDisk disk, int changes, Operation operation)
      throws IOException {
    Crash[] crash = new Crash[1];
    LocalSheep sheep =
        LocalSheep.open(
            disk.store(),
            OPTIONS,
            "boot",
            (change, path) -> {
              if (crash[0] != null) {
                crash[0].beforeChange(change, path);
              }
            });
    crash[0] = new Crash(changes);
    try {
      operation.on(sheep);
    } catch (SheepException e) {
      assertTrue(crash[0].happened(), e::toString);
    }
    boolean happened = crash[0].happened();
    crash[0] = new Crash(0);
    endProcess(sheep);
    return happened;
  }

  private static void endProcess(LocalSheep sheep) {
    try {
      sheep.close();
    } catch (IOException expected) {
      assertTrue(String.valueOf(expected.getMessage()).startsWith("crashed"), expected::toString);
    }
  }

  private static boolean crashWhileOpening(StoreDisk disk, int changes, String boot)
      throws IOException {
    Crash crash = new Crash(changes);
    try {
      LocalSheep sheep = LocalSheep.open(disk.store(), OPTIONS, boot, crash);
      boolean happened = crash.happened();
      endProcess(sheep);
      return happened;
    } catch (IOException e) {
      assertTrue(crash.happened(), e::toString);
      return true;
    }
  }

  @Test
  void create_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().create(new VdiName("more"), VdiSpec.ofSize(1L << 40)));
  }

  @Test
  void snapshot_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().snapshot(DISK, NEW));
  }

  @Test
  void clone_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(
        sheep -> {
          VdiId base = sheep.vdis().lookup(DISK, new SnapshotSelector.ByTag(OLD)).vid();
          sheep.vdis().cloneSnapshot(base, new VdiName("another"));
        });
  }

  @Test
  void deleteOfWorkingVdi_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().delete(DISK));
  }

  @Test
  void deleteOfSnapshot_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().delete(DISK, new SnapshotSelector.ByTag(OLD)));
  }

  @Test
  void deleteOfClone_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().delete(COPY));
  }

  @Test
  void shrinkWithinSharedObject_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().resize(DISK, 7));
  }

  @Test
  void shrinkWithinOwnObject_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().resize(DISK, (4 << 20) + 7));
  }

  @Test
  void grow_crashAnywhere_allOrNothing() throws IOException {
    checkAllCrashes(sheep -> sheep.vdis().resize(DISK, 1L << 42));
  }
}
