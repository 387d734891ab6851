package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
 * A cluster of processes of which one has a disk that fails: an ext4 on a loop device that is shut
 * down as after an error of its device, so that each read and write gives EIO. By hand, as root,
 * with mkfs.ext4 and python3: {@code -Dsheepfs.cluster.rounds=1}.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class FailingDiskIT {

  private static final int OBJECTS = 40;

  /** EXT4_IOC_SHUTDOWN, without writing the log. */
  private static final String SHUT_DOWN =
      "import fcntl,os,struct,sys;"
          + "fcntl.ioctl(os.open(sys.argv[1],0),0x8004587d,struct.pack('I',2))";

  private SheepProcesses sheep;
  private RemoteCluster cluster;
  private final List<Path> mounted = new ArrayList<>();

  private static boolean run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
  }

  @BeforeEach
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    for (String name : List.of("good", "bad")) { // of one size: each gets its half
      Path mountpoint = sheep.disk(0, name);
      Files.createDirectories(mountpoint);
      String image = directory.resolve(name + "-image").toString();
      boolean isMounted =
          run("truncate", "-s", "400M", image)
              && run("mkfs.ext4", "-q", image)
              && run("mount", "-o", "loop", image, mountpoint.toString());
      assumeTrue(isMounted, "this needs root and loop devices");
      mounted.add(mountpoint);
    }
    sheep.startWithDisks(0, "good", "bad");
    sheep.start(1);
    sheep.start(2);
    sheep.format();
    sheep.awaitSynced();
    cluster = sheep.connect();
  }

  @AfterEach
  void stopAll() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
    sheep.close();
    for (Path mountpoint : mounted) {
      assertTrue(run("umount", mountpoint.toString()));
    }
  }

  /** Nothing but the flush finds it. */
  @Test
  void diskThatFails_whenItIsFlushed_isDoneWithout() throws Exception {
    TestDisk disk = new TestDisk(cluster, new VdiName("v"), OBJECTS, 0);
    assertTrue(sheep.objectsOn(0, "bad") > 0);
    disk.write(OBJECTS);
    assertTrue(run("python3", "-c", SHUT_DOWN, sheep.disk(0, "bad").toString()));
    disk.flush();
    sheep.eventually("it is not used any more", () -> sheep.disks(0).size() == 1);
    sheep.awaitSynced();
    disk.verify();
  }

  @Test
  void diskThatFails_isDoneWithout_andItsObjectsAreFetched() throws Exception {
    TestDisk disk = new TestDisk(cluster, new VdiName("v"), OBJECTS, 0);
    AtomicBoolean ends = new AtomicBoolean();
    CompletableFuture<Integer> load = disk.load(ends);
    assertEquals(2, sheep.disks(0).size());
    Path bad = sheep.disk(0, "bad");
    assertTrue(sheep.objectsOn(0, "bad") > 0);
    assertTrue(run("python3", "-c", SHUT_DOWN, bad.toString()));
    sheep.eventually("it is not used any more", () -> sheep.disks(0).size() == 1);
    sheep.awaitSynced();
    ends.set(true);
    assertTrue(load.get() > 0);
    disk.verify();
    disk.flush();
    assertEquals(sheep.contents(1).size(), sheep.objectsOn(0, "good"));
    assertTrue(run("umount", bad.toString()));
    mounted.remove(bad);
    Files.createDirectories(bad.resolve("obj")); // for those who look at all disks
    assertEquals(sheep.contents(1), sheep.contents(0));
    for (int node = 0; node < SheepProcesses.NODES; node++) {
      assertTrue(sheep.isRunning(node));
      for (int i = 0; i < OBJECTS; i++) {
        assertEquals(0, sheep.check(node, disk.data(i)));
      }
    }
  }
}
