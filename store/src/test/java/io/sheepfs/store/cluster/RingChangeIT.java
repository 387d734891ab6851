package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Nodes are added to a ring of real processes and taken out of it, under load, and killed while
 * objects move. By hand: {@code -Dsheepfs.cluster.rounds=3}, or more.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
final class RingChangeIT {

  private static final int OBJECTS = 60;
  private static final int ROUNDS = Integer.getInteger("sheepfs.cluster.rounds", 1);

  private SheepProcesses sheep;
  private RemoteCluster cluster;
  private final List<TestDisk> disks = new ArrayList<>();

  /** One VDI of two copies, and one of three. */
  @BeforeEach
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.start(i);
    }
    sheep.format();
    sheep.awaitSynced();
    cluster = sheep.connect();
    for (int copies = 2; copies <= 3; copies++) {
      disks.add(new TestDisk(cluster, new VdiName("v" + copies), OBJECTS, copies));
    }
  }

  @AfterEach
  void stopAll() throws IOException {
    if (cluster != null) {
      cluster.close();
    }
    sheep.close();
  }

  private void write(Random random) throws SheepException {
    disks.get(random.nextInt(disks.size())).write(cluster);
  }

  private void verify() throws SheepException {
    for (TestDisk disk : disks) {
      disk.verify();
    }
  }

  /**
   * Each data object is on as many of the nodes as it has copies, all the same; nothing is over.
   */
  private void assertPlaced(int... nodes) {
    sheep.eventually("each object has its copies and no more", () -> arePlaced(nodes));
  }

  private boolean arePlaced(int... nodes) throws IOException {
    TreeMap<String, List<Integer>> found = new TreeMap<>();
    for (int node : nodes) {
      sheep
          .contents(node)
          .forEach((oid, hash) -> found.computeIfAbsent(oid, any -> new ArrayList<>()).add(hash));
    }
    for (int disk = 0; disk < disks.size(); disk++) {
      for (int index = 0; index < OBJECTS; index++) {
        List<Integer> copies = found.remove(disks.get(disk).data(index).toString());
        if (copies == null
            || copies.size() != disk + 2
            || copies.stream().distinct().count() != 1) {
          return false;
        }
      }
    }
    return found.values().stream()
        .allMatch(
            copies -> copies.size() == nodes.length && copies.stream().distinct().count() == 1);
  }

  @Test
  void nodeAddedAndAnotherTakenOut_underLoad_everyObjectHasItsCopies() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("RingChangeIT seed " + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 100; i++) {
      write(random);
    }
    sheep.start(3);
    sheep.eventually("the new node is there", () -> sheep.nodesThere() == 4);
    sheep.reweight(0);
    for (int i = 0; i < 200; i++) {
      write(random);
    }
    sheep.awaitSynced(0, 1, 2, 3);
    verify();
    assertPlaced(0, 1, 2, 3);

    sheep.kill(0);
    sheep.eventually("the lost node is gone", () -> sheep.nodesThere() == 3);
    write(random);
    sheep.reweight(1);
    for (int i = 0; i < 200; i++) {
      write(random);
    }
    sheep.awaitSynced(1, 2, 3);
    verify();
    assertPlaced(1, 2, 3);

    sheep.start(0);
    sheep.eventually("the lost node is back", () -> sheep.nodesThere() == 4);
    for (int i = 0; i < 50; i++) {
      write(random);
    }
    sheep.reweight(2);
    sheep.awaitSynced(0, 1, 2, 3);
    verify();
    assertPlaced(0, 1, 2, 3);
  }

  @Test
  void nodesKilledWhileObjectsMove_nothingIsLost() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("RingChangeIT seed " + seed);
    Random random = new Random(seed);
    sheep.start(3);
    boolean with = false;
    for (int round = 0; round < ROUNDS; round++) {
      if (!sheep.isRunning(3)) {
        sheep.start(3);
      }
      sheep.eventually("all nodes are there", () -> sheep.nodesThere() == 4);
      if (with) { // out again
        sheep.kill(3);
        sheep.eventually("the node is gone", () -> sheep.nodesThere() == 3);
      }
      sheep.reweight(random.nextInt(3));
      for (int i = random.nextInt(60); i > 0; i--) {
        write(random);
      }
      int victim = random.nextInt(with ? 3 : 4);
      sheep.kill(victim);
      for (int i = 0; i < 20; i++) {
        write(random);
      }
      verify();
      sheep.start(victim);
      for (int i = 0; i < 20; i++) {
        write(random);
      }
      int[] nodes = with ? new int[] {0, 1, 2} : new int[] {0, 1, 2, 3};
      sheep.awaitSynced(nodes);
      verify();
      assertPlaced(nodes);
      with = !with;
    }
    assertTrue(ROUNDS > 0);
    assertEquals(2, disks.size());
  }
}
