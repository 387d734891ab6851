package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three sheep processes and a real ZooKeeper; nodes are killed, frozen and started again. By hand,
 * as long as the cluster is an experiment: {@code -Dsheepfs.cluster.rounds=3}, or more.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ClusterIT {

  private static final int OBJECTS = 6;
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 8;
  private static final int ROUNDS = Integer.getInteger("sheepfs.cluster.rounds", 2);

  private SheepProcesses sheep;
  private final byte[][] expected = new byte[OBJECTS * BLOCKS][];

  @BeforeAll
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.start(i);
    }
    sheep.format();
  }

  @BeforeEach
  void awaitAll() throws Exception {
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      if (!sheep.isRunning(i)) {
        sheep.start(i);
      }
      sheep.signal(i, "CONT"); // what a test that failed left frozen
    }
    sheep.awaitSynced();
  }

  @AfterAll
  void stopAll() throws IOException {
    sheep.close();
  }

  private static void allocate(RemoteCluster cluster, VdiId vid, int index) throws SheepException {
    cluster
        .objects()
        .create(ObjectId.data(vid, index), 0, ByteBuffer.allocate(BLOCK), Durability.UNSTABLE);
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, vid.value());
    cluster
        .objects()
        .write(ObjectId.inode(vid), InodeLayout.indexOffset(index), entry, Durability.UNSTABLE);
  }

  private VdiId makeVdi(RemoteCluster cluster, String name) throws SheepException {
    VdiInfo vdi = cluster.vdis().create(new VdiName(name), new VdiSpec(OBJECTS << 20, 0, 0));
    for (int i = 0; i < OBJECTS; i++) {
      allocate(cluster, vdi.vid(), i);
    }
    for (int i = 0; i < expected.length; i++) {
      expected[i] = new byte[BLOCK];
    }
    return vdi.vid();
  }

  private void write(RemoteCluster cluster, VdiId vid, Random random) throws SheepException {
    int at = random.nextInt(expected.length);
    byte[] block = new byte[BLOCK];
    random.nextBytes(block);
    cluster
        .objects()
        .write(
            ObjectId.data(vid, at / BLOCKS),
            (long) (at % BLOCKS) * BLOCK,
            ByteBuffer.wrap(block),
            random.nextBoolean() ? Durability.UNSTABLE : Durability.STABLE);
    expected[at] = block;
  }

  private void verify(RemoteCluster cluster, VdiId vid) throws SheepException {
    for (int at = 0; at < expected.length; at++) {
      byte[] found = new byte[BLOCK];
      cluster
          .objects()
          .read(
              ObjectId.data(vid, at / BLOCKS),
              (long) (at % BLOCKS) * BLOCK,
              ByteBuffer.wrap(found));
      assertArrayEquals(expected[at], found, "block " + at);
    }
  }

  private void assertReplicasAgree() throws IOException {
    for (int i = 1; i < SheepProcesses.NODES; i++) {
      assertEquals(sheep.contents(0), sheep.contents(i), "node " + i);
    }
  }

  @Test
  void nodes_killedAndFrozenUnderLoad_losesNothing() throws Exception {
    long seed = new Random().nextLong();
    System.out.println("ClusterIT seed " + seed);
    Random random = new Random(seed);
    try (RemoteCluster cluster = sheep.connect()) {
      VdiId vid = makeVdi(cluster, "a");
      for (int round = 0; round < ROUNDS; round++) {
        int victim = round < SheepProcesses.NODES ? round : random.nextInt(SheepProcesses.NODES);
        boolean freeze = round < SheepProcesses.NODES ? round % 2 == 0 : random.nextBoolean();
        write(cluster, vid, random);
        if (freeze) {
          sheep.signal(victim, "STOP");
        } else {
          sheep.kill(victim);
        }
        for (int i = 0; i < 40; i++) {
          write(cluster, vid, random);
        }
        cluster.objects().flush(vid);
        verify(cluster, vid);
        if (freeze) {
          sheep.signal(victim, "CONT");
        } else {
          sheep.start(victim);
        }
        for (int i = 0; i < 40; i++) {
          write(cluster, vid, random);
        }
        sheep.awaitSynced();
        verify(cluster, vid);
        assertReplicasAgree();
      }
    }
  }

  @Test
  void wholeCluster_killed_comesBackWithEverything() throws Exception {
    Random random = new Random(5);
    VdiId vid;
    try (RemoteCluster cluster = sheep.connect()) {
      vid = makeVdi(cluster, "b");
      for (int i = 0; i < 50; i++) {
        write(cluster, vid, random);
      }
      cluster.objects().flush(vid);
    }
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.kill(i);
    }
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.start(i);
    }
    sheep.awaitSynced();
    try (RemoteCluster cluster = sheep.connect()) {
      verify(cluster, vid);
      write(cluster, vid, random);
      verify(cluster, vid);
    }
    assertReplicasAgree();
  }

  @Test
  void vdi_deletedWhileANodeIsAway_isGoneThereToo() throws Exception {
    VdiName doomed = new VdiName("doomed");
    try (RemoteCluster cluster = sheep.connect()) {
      VdiId vid = makeVdi(cluster, "doomed");
      assertTrue(sheep.contents(2).containsKey(ObjectId.data(vid, 0).toString()));
      sheep.kill(2);
      cluster.vdis().delete(doomed);
      VdiId other = makeVdi(cluster, "other");
      sheep.start(2);
      sheep.awaitSynced();
      for (int i = 0; i < SheepProcesses.NODES; i++) {
        for (int index = 0; index < OBJECTS; index++) {
          assertFalse(sheep.contents(i).containsKey(ObjectId.data(vid, index).toString()));
          assertTrue(sheep.contents(i).containsKey(ObjectId.data(other, index).toString()));
        }
      }
      assertReplicasAgree();
      SheepException gone = assertThrows(SheepException.class, () -> cluster.vdis().lookup(doomed));
      assertEquals(ResultCode.NO_VDI, gone.result());
    }
  }

  @Test
  void snapshotsAndLocks_throughAnyNode_areSeenByAll() throws Exception {
    VdiName name = new VdiName("s");
    Random random = new Random(6);
    try (RemoteCluster one = sheep.connect(1);
        RemoteCluster two = sheep.connect(2)) {
      VdiId vid = makeVdi(one, "s");
      for (int i = 0; i < 10; i++) {
        write(one, vid, random);
      }
      VdiLock lock = one.vdis().lock(name);
      SheepException busy = assertThrows(SheepException.class, () -> two.vdis().lock(name));
      assertEquals(ResultCode.VDI_LOCKED, busy.result());
      lock.close();
      two.vdis().lock(name).close();
      VdiInfo working = two.vdis().snapshot(name, new SnapshotTag("t"));
      assertFalse(working.vid().equals(vid));
      SheepException frozen =
          assertThrows(SheepException.class, () -> write(one, vid, new Random(7)));
      assertEquals(ResultCode.READONLY, frozen.result());
      verify(two, vid);
      VdiInfo clone = one.vdis().cloneSnapshot(vid, new VdiName("c"));
      two.objects()
          .createCopy(
              ObjectId.data(clone.vid(), 0),
              ObjectId.data(vid, 0),
              0,
              ByteBuffer.wrap(expected[0]),
              Durability.STABLE);
      byte[] copied = new byte[BLOCK];
      one.objects().read(ObjectId.data(clone.vid(), 0), BLOCK, ByteBuffer.wrap(copied));
      assertArrayEquals(expected[1], copied);
    }
    assertReplicasAgree();
  }
}
