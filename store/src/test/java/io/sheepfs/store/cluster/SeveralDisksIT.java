package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
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
  private static final int BLOCK = 4096;

  private SheepProcesses sheep;
  private RemoteCluster cluster;
  private VdiId vid = new VdiId(1);
  private final byte[][] expected = new byte[OBJECTS][BLOCK];
  private final Random random = new Random();

  @BeforeEach
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    sheep.startWithDisks(0, "a", "b");
    sheep.start(1);
    sheep.start(2);
    sheep.format();
    sheep.awaitSynced();
    cluster = sheep.connect();
    vid = cluster.vdis().create(new VdiName("v"), new VdiSpec(OBJECTS << 22, 0, 0)).vid();
    for (int i = 0; i < OBJECTS; i++) {
      cluster
          .objects()
          .create(ObjectId.data(vid, i), 0, ByteBuffer.allocate(BLOCK), Durability.UNSTABLE);
      ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
      cluster
          .objects()
          .write(
              ObjectId.inode(vid),
              InodeLayout.indexOffset(i),
              entry.putInt(0, vid.value()),
              Durability.UNSTABLE);
    }
  }

  @AfterEach
  void stopAll() throws IOException {
    if (cluster != null) {
      cluster.close();
    }
    sheep.close();
  }

  private void writeSome() throws SheepException {
    for (int i = 0; i < 40; i++) {
      int index = random.nextInt(OBJECTS);
      byte[] block = new byte[BLOCK];
      random.nextBytes(block);
      Durability durability = random.nextBoolean() ? Durability.UNSTABLE : Durability.STABLE;
      cluster.objects().write(ObjectId.data(vid, index), 0, ByteBuffer.wrap(block), durability);
      expected[index] = block;
    }
  }

  private void verify() throws SheepException {
    for (int i = 0; i < OBJECTS; i++) {
      byte[] found = new byte[BLOCK];
      cluster.objects().read(ObjectId.data(vid, i), 0, ByteBuffer.wrap(found));
      assertArrayEquals(expected[i], found, "object " + i);
    }
  }

  /** Writes until {@code ends}. */
  private CompletableFuture<Integer> load(AtomicBoolean ends) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            int rounds = 0;
            while (!ends.get()) {
              writeSome();
              cluster.objects().flush(vid);
              rounds++;
            }
            return rounds;
          } catch (SheepException e) {
            throw new CompletionException(e);
          }
        });
  }

  private boolean hasDisk(int node, String name) throws IOException {
    return sheep.disks(node).contains(sheep.disk(node, name).resolve("obj").toString());
  }

  @Test
  void disks_comeAndGo_whileClientsWrite() throws Exception {
    AtomicBoolean ends = new AtomicBoolean();
    CompletableFuture<Integer> load = load(ends);
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
    verify();
    assertEquals(1, sheep.disks(0).size());
    assertEquals(sheep.contents(1), sheep.contents(0));
    assertTrue(sheep.lastEpoch() <= epoch + 3, "only the kill needs other epochs");
  }

  @Test
  void disk_thatIsPulledOut_isDoneWithout() throws Exception {
    AtomicBoolean ends = new AtomicBoolean();
    CompletableFuture<Integer> load = load(ends);
    int inB = sheep.objectsOn(0, "b");
    assertTrue(inB > 0);
    sheep.pull(0, "b", true);
    sheep.eventually("it is not used any more", () -> !hasDisk(0, "b"));
    sheep.awaitSynced();
    ends.set(true);
    assertTrue(load.get() > 0);
    verify();
    cluster.objects().flush(vid);
    assertEquals(sheep.contents(1), sheep.contents(0));
    assertEquals(sheep.contents(1).size(), sheep.objectsOn(0, "a"));
    sheep.pull(0, "b", false);
    sheep.kill(0);
    writeSome();
    sheep.startWithDisks(0, "a", "b");
    sheep.awaitSynced();
    verify();
    assertEquals(1, sheep.disks(0).size(), "what it has is old");
    for (int node = 0; node < SheepProcesses.NODES; node++) {
      for (int i = 0; i < OBJECTS; i++) {
        assertEquals(0, sheep.check(node, ObjectId.data(vid, i)));
      }
    }
  }

  @Test
  void node_withSeveralDisks_hasAllItsObjectsOnThem() throws Exception {
    writeSome();
    cluster.objects().flush(vid);
    assertTrue(sheep.objectsOn(0, "a") > 0 && sheep.objectsOn(0, "b") > 0);
    sheep.kill(0);
    writeSome();
    sheep.startWithDisks(0, "a", "b", "c");
    sheep.awaitSynced();
    verify();
    assertEquals(sheep.contents(1), sheep.contents(0));
    sheep.kill(1);
    sheep.kill(2);
    sheep.start(1);
    sheep.start(2);
    sheep.awaitSynced();
    verify();
    assertEquals(0, sheep.stop(0));
    sheep.pull(0, "b", true);
    sheep.startWithDisks(0, "a", "c");
    sheep.eventually("it refuses to start without a disk", () -> !sheep.isRunning(0));
    assertTrue(sheep.logs().contains("is missing"));
    writeSome();
    sheep.pull(0, "b", false);
    sheep.startWithDisks(0, "c", "a");
    sheep.awaitSynced();
    verify();
    assertEquals(sheep.contents(1), sheep.contents(0));
  }
}
