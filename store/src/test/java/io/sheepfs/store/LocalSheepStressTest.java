package io.sheepfs.store;

import static io.sheepfs.protocol.Durability.UNSTABLE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Many threads on one store. */
class LocalSheepStressTest {

  private static final VdiName NAME = new VdiName("disk");
  private static final int WRITERS = 8;
  private static final int ROUNDS = 60;

  private interface Task {
    void run(int number) throws Exception;
  }

  private static void inParallel(int count, Task task) throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(count);
    try {
      List<Future<?>> running = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        int number = i;
        running.add(
            threads.submit(
                () -> {
                  task.run(number);
                  return null;
                }));
      }
      for (Future<?> each : running) {
        each.get(60, TimeUnit.SECONDS);
      }
    } finally {
      threads.shutdownNow();
    }
  }

  /** Writes as a client that follows the VDI through snapshots made by others. */
  private static void writeFollowing(LocalSheep sheep, int index, int value) throws SheepException {
    while (true) {
      VdiId vid = sheep.vdis().lookup(NAME).vid();
      try {
        LocalSheepTest.allocate(sheep, vid, index, value, UNSTABLE);
        return;
      } catch (SheepException e) {
        assertEquals(ResultCode.READONLY, e.result());
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void writersFlushersAndSnapshots_together_loseNothing(StoreDisk.Kind kind) throws Exception {
    try (StoreDisk disk = StoreDisk.of(kind)) {
      try (LocalSheep sheep =
          LocalSheep.open(disk.store(), LocalSheepOptions.defaults().withMaxOpenFiles(WRITERS))) {
        sheep.vdis().create(NAME, VdiSpec.ofSize(64 << 20));
        inParallel(
            WRITERS + 2,
            number -> {
              for (int round = 1; round <= ROUNDS; round++) {
                if (number == WRITERS) {
                  sheep.objects().flush(sheep.vdis().lookup(NAME).vid());
                } else if (number < WRITERS) {
                  writeFollowing(sheep, number, round);
                } else if (round % 10 == 0) {
                  SnapshotTag tag = new SnapshotTag("t" + round);
                  sheep.vdis().snapshot(NAME, tag);
                  if (round % 20 == 0) {
                    sheep.vdis().delete(NAME, new SnapshotSelector.ByTag(tag));
                  }
                }
              }
            });
      }
      try (LocalSheep sheep = disk.open()) {
        VdiId vid = sheep.vdis().lookup(NAME).vid();
        for (int i = 0; i < WRITERS; i++) {
          int owner = LocalSheepTest.entry(sheep, vid, i);
          assertArrayEquals(
              LocalSheepTest.bytes(4096, ROUNDS).array(),
              LocalSheepTest.read(sheep, ObjectId.data(new VdiId(owner), i), 0, 4096));
        }
        for (VdiInfo vdi : sheep.vdis().list()) {
          if (vdi.isSnapshot()) {
            sheep.vdis().delete(NAME, new SnapshotSelector.ById(vdi.snapshotId()));
          }
        }
        sheep.vdis().delete(NAME);
        assertTrue(sheep.objects().list().stream().noneMatch(ObjectId::isData));
      }
    }
  }

  /** A VDI has exactly one working state, also while it becomes a snapshot. */
  @Test
  void lookupAndList_whileSnapshotsAreTaken_findTheVdi() throws Exception {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY);
        LocalSheep sheep = disk.open()) {
      sheep.vdis().create(NAME, VdiSpec.ofSize(64 << 20));
      AtomicBoolean done = new AtomicBoolean();
      inParallel(
          3,
          number -> {
            if (number == 0) {
              try {
                for (int i = 0; i < 200; i++) {
                  sheep.vdis().snapshot(NAME, new SnapshotTag("t" + i));
                }
              } finally {
                done.set(true);
              }
            }
            while (!done.get()) {
              if (number == 1) {
                assertFalse(sheep.vdis().lookup(NAME).isSnapshot());
              } else {
                assertEquals(
                    1, sheep.vdis().list().stream().filter(vdi -> !vdi.isSnapshot()).count());
              }
            }
          });
    }
  }

  @ParameterizedTest
  @EnumSource
  void vdis_madeAndDeletedByMany_allGone(StoreDisk.Kind kind) throws Exception {
    try (StoreDisk disk = StoreDisk.of(kind);
        LocalSheep sheep = disk.open()) {
      inParallel(
          WRITERS,
          number -> {
            for (int round = 0; round < 5; round++) {
              VdiName name = new VdiName("disk " + number + " " + round);
              VdiId vid = sheep.vdis().create(name, VdiSpec.ofSize(64 << 20)).vid();
              for (int i = 0; i < 5; i++) {
                LocalSheepTest.allocate(sheep, vid, i, number, UNSTABLE);
              }
              sheep.vdis().delete(name);
            }
          });
      assertEquals(List.of(), sheep.vdis().list());
      assertTrue(sheep.objects().list().stream().noneMatch(ObjectId::isData));
    }
  }

  @Test
  void requests_interruptedThreads_harmNoOneAndSucceed() throws Exception {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.REAL);
        LocalSheep sheep = disk.open()) {
      VdiId vid = sheep.vdis().create(NAME, VdiSpec.ofSize(64 << 20)).vid();
      LocalSheepTest.allocate(sheep, vid, 0, 0, UNSTABLE);
      ObjectId oid = ObjectId.data(vid, 0);
      AtomicBoolean stop = new AtomicBoolean();
      inParallel(
          WRITERS,
          number -> {
            if (number == 0) {
              for (int round = 0; round < 300; round++) {
                Thread.currentThread().interrupt();
                switch (round % 3) {
                  case 0 -> sheep.objects().flush(vid);
                  case 1 -> LocalSheepTest.allocate(sheep, vid, 1 + round, 1, UNSTABLE);
                  default -> LocalSheepTest.read(sheep, oid, 0, 10);
                }
                assertTrue(Thread.interrupted(), "the interrupt is still pending");
              }
              stop.set(true);
            } else {
              byte round = 0;
              while (!stop.get()) {
                round++;
                long at = number * 8192L;
                sheep.objects().write(oid, at, LocalSheepTest.bytes(4096, round), UNSTABLE);
                assertEquals(round, LocalSheepTest.read(sheep, oid, at, 4096)[4095]);
              }
            }
          });
    }
  }

  @Test
  void requests_onWorkingAndIdleStore_closeCleanly() throws IOException {
    try (StoreDisk disk = StoreDisk.of(StoreDisk.Kind.REAL)) {
      LocalSheep sheep = disk.open();
      VdiId vid = sheep.vdis().create(NAME, VdiSpec.ofSize(64 << 20)).vid();
      sheep.objects().flush(vid);
      sheep.close();
      LocalSheepTest.assertFails(ResultCode.SHUTDOWN, () -> sheep.objects().flush(vid));
      LocalSheepTest.assertFails(ResultCode.SHUTDOWN, () -> sheep.vdis().list());
      assertTrue(Files.notExists(disk.store().resolve("running")));
    }
  }
}
