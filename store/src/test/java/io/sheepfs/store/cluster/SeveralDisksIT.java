package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster of processes of which one node has several disks. By hand, as the others of a cluster:
 * {@code -Dsheepfs.cluster.rounds=1}.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class SeveralDisksIT {

  private static final int OBJECTS = 40;

  private SheepProcesses sheep;
  private RemoteCluster cluster;
  private TestDisk disk;

  @BeforeEach
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    sheep.startWithDisks(0, "a", "b");
    sheep.start(1);
    sheep.start(2);
    sheep.format();
    sheep.awaitSynced();
    cluster = sheep.connect();
    disk = new TestDisk(cluster, new VdiName("v"), OBJECTS, 0);
  }

  @AfterEach
  void stopAll() throws IOException {
    if (cluster != null) {
      cluster.close();
    }
    sheep.close();
  }

  private boolean hasDisk(int node, String name) throws IOException {
    return sheep.disks(node).contains(sheep.disk(node, name).resolve("obj").toString());
  }

  @Test
  void disks_comeAndGo_whileClientsWrite() throws Exception {
    AtomicBoolean ends = new AtomicBoolean();
    CompletableFuture<Integer> load = disk.load(ends);
    int epoch = sheep.lastEpoch();
    assertEquals(ResultCode.SUCCESS, sheep.changeDisks(0, Opcode.MD_PLUG, "c"));
    assertEquals(ResultCode.INVALID_PARMS, sheep.changeDisks(0, Opcode.MD_UNPLUG, "x"));
    assertEquals(ResultCode.SUCCESS, sheep.changeDisks(0, Opcode.MD_UNPLUG, "a"));
    sheep.eventually("disk a is empty", () -> !hasDisk(0, "a"));
    assertEquals(0, sheep.objectsOn(0, "a"));
    assertTrue(sheep.objectsOn(0, "c") > 0);
    assertEquals(ResultCode.SUCCESS, sheep.changeDisks(1, Opcode.MD_PLUG, "d"));
    assertEquals(ResultCode.SUCCESS, sheep.changeDisks(0, Opcode.MD_UNPLUG, "c"));
    sheep.kill(0); // in the middle of it, or not
    sheep.startWithDisks(0, "a", "b");
    sheep.eventually("disk c is empty", () -> !hasDisk(0, "c"));
    sheep.awaitSynced();
    assertEquals(ResultCode.INVALID_PARMS, sheep.changeDisks(0, Opcode.MD_UNPLUG, "b"));
    ends.set(true);
    assertTrue(load.get() > 0);
    disk.verify();
    assertEquals(1, sheep.disks(0).size());
    assertEquals(sheep.contents(1), sheep.contents(0));
    assertTrue(sheep.lastEpoch() <= epoch + 3, "only the kill needs other epochs");
  }

  @Test
  void disk_thatIsPulledOut_isDoneWithout() throws Exception {
    AtomicBoolean ends = new AtomicBoolean();
    CompletableFuture<Integer> load = disk.load(ends);
    int inB = sheep.objectsOn(0, "b");
    assertTrue(inB > 0);
    sheep.pull(0, "b", true);
    sheep.eventually("it is not used any more", () -> !hasDisk(0, "b"));
    sheep.awaitSynced();
    ends.set(true);
    assertTrue(load.get() > 0);
    disk.verify();
    disk.flush();
    assertEquals(sheep.contents(1), sheep.contents(0));
    assertEquals(sheep.contents(1).size(), sheep.objectsOn(0, "a"));
    sheep.pull(0, "b", false);
    sheep.kill(0);
    disk.write(40);
    sheep.startWithDisks(0, "a", "b");
    sheep.awaitSynced();
    disk.verify();
    assertEquals(1, sheep.disks(0).size(), "what it has is old");
    for (int node = 0; node < SheepProcesses.NODES; node++) {
      for (int i = 0; i < OBJECTS; i++) {
        assertEquals(0, sheep.check(node, disk.data(i)));
      }
    }
  }

  @Test
  void disk_thatIsMissingAtStart_isDoneWithout_whenOthersAreUpToDate() throws Exception {
    disk.write(40);
    disk.flush();
    sheep.kill(0);
    sheep.kill(1);
    disk.write(40);
    sheep.pull(0, "b", true);
    sheep.startWithoutDisk(0, "b", "a", "b");
    sheep.eventually(
        "it waits for the other", () -> sheep.logs().contains("others are not up to date"));
    disk.write(40);
    sheep.start(1);
    sheep.eventually("it goes on", () -> sheep.logs().contains("this node goes on without"));
    sheep.awaitSynced();
    disk.verify();
    disk.flush();
    assertEquals(sheep.contents(1), sheep.contents(0));
    assertTrue(!hasDisk(0, "b"));
    assertEquals(0, sheep.stop(0));
    disk.write(40);
    sheep.startWithDisks(0, "a", "b");
    sheep.awaitSynced();
    disk.verify();
    assertEquals(sheep.contents(1), sheep.contents(0));
  }

  @Test
  void node_withSeveralDisks_hasAllItsObjectsOnThem() throws Exception {
    disk.write(40);
    disk.flush();
    assertTrue(sheep.objectsOn(0, "a") > 0 && sheep.objectsOn(0, "b") > 0);
    sheep.kill(0);
    disk.write(40);
    sheep.startWithDisks(0, "a", "b", "c");
    sheep.awaitSynced();
    disk.verify();
    assertEquals(sheep.contents(1), sheep.contents(0));
    sheep.kill(1);
    sheep.kill(2);
    sheep.start(1);
    sheep.start(2);
    sheep.awaitSynced();
    disk.verify();
    assertEquals(0, sheep.stop(0));
    sheep.pull(0, "b", true);
    sheep.startWithDisks(0, "a", "c");
    sheep.eventually("it refuses to start without a disk", () -> !sheep.isRunning(0));
    assertTrue(sheep.logs().contains("is missing"));
    disk.write(40);
    sheep.pull(0, "b", false);
    sheep.startWithDisks(0, "c", "a");
    sheep.awaitSynced();
    disk.verify();
    assertEquals(sheep.contents(1), sheep.contents(0));
  }
}
