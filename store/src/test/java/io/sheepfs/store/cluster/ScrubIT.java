package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Bits turn over on the disks of a running cluster. By hand: {@code -Dsheepfs.cluster.rounds=1}, or
 * more.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class ScrubIT {

  private static final int BYTES = 1 << 16;

  @TempDir private Path directory;
  private @Nullable SheepProcesses started;

  @AfterEach
  void stop() throws IOException {
    SheepProcesses running = started;
    if (running != null) {
      running.close();
    }
  }

  private SheepProcesses start(int scrubSeconds) throws Exception {
    SheepProcesses sheep =
        new SheepProcesses(directory, "--scrub-interval", String.valueOf(scrubSeconds));
    started = sheep;
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.start(i);
    }
    sheep.format();
    sheep.awaitSynced();
    return sheep;
  }

  /** One object, of ones. */
  private static ObjectId makeObject(RemoteCluster cluster, int copies) throws SheepException {
    VdiInfo vdi = cluster.vdis().create(new VdiName("v"), new VdiSpec(1 << 20, copies, 0));
    VdiId vid = vdi.vid();
    ObjectId oid = ObjectId.data(vid, 0);
    byte[] ones = new byte[BYTES];
    Arrays.fill(ones, (byte) 1);
    cluster.objects().create(oid, 0, ByteBuffer.wrap(ones), Durability.STABLE);
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, vid.value());
    cluster
        .objects()
        .write(ObjectId.inode(vid), InodeLayout.indexOffset(0), entry, Durability.STABLE);
    return oid;
  }

  private static List<Integer> holders(SheepProcesses sheep, ObjectId oid) {
    List<Integer> holders = new ArrayList<>();
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      if (Files.exists(sheep.store(i).resolve("obj").resolve(oid.toString()))) {
        holders.add(i);
      }
    }
    return holders;
  }

  private static int content(SheepProcesses sheep, int node, ObjectId oid) throws IOException {
    return sheep.contents(node).getOrDefault(oid.toString(), 0);
  }

  @Test
  void check_bitOfOneOfThreeCopiesFlipped_isRepairedFromTheOthers() throws Exception {
    SheepProcesses sheep = start(0);
    try (RemoteCluster cluster = sheep.connect()) {
      ObjectId oid = makeObject(cluster, 3);
      assertEquals(0, sheep.check(0, oid));
      for (int node = 0; node < 3; node++) {
        int right = content(sheep, node, oid);
        sheep.flipBit(node, oid, 4711);
        assertNotEquals(right, content(sheep, node, oid));
        assertEquals(1, sheep.check(node, oid));
        assertEquals(right, content(sheep, node, oid));
      }
      ObjectId inode = ObjectId.inode(oid.vid());
      sheep.flipBit(1, inode, InodeLayout.indexOffset(0));
      assertEquals(1, sheep.check(2, inode));
      assertEquals(content(sheep, 0, inode), content(sheep, 1, inode));
      Files.delete(sheep.store(2).resolve("obj").resolve(oid.toString()));
      assertEquals(1, sheep.check(1, oid));
      assertEquals(content(sheep, 0, oid), content(sheep, 2, oid));
    }
  }

  @Test
  void check_bitOfOneOfTwoCopiesFlipped_isRepairedIfItWasCheckedBefore() throws Exception {
    SheepProcesses sheep = start(0);
    try (RemoteCluster cluster = sheep.connect()) {
      ObjectId oid = makeObject(cluster, 2);
      List<Integer> holders = holders(sheep, oid);
      assertEquals(2, holders.size());
      int right = content(sheep, holders.get(0), oid);
      sheep.age(holders.get(0), oid);
      sheep.age(holders.get(1), oid);
      assertEquals(0, sheep.check(0, oid));
      sheep.flipBit(holders.get(1), oid, 4711);
      assertEquals(1, sheep.check(0, oid));
      assertEquals(right, content(sheep, holders.get(1), oid));
      // just repaired, and so not seen to be right for long enough: nobody knows now
      sheep.flipBit(holders.get(1), oid, 4711);
      assertEquals(-1, sheep.check(0, oid));
    }
  }

  @Test
  void scrubber_bitFlipped_repairsItByItself() throws Exception {
    SheepProcesses sheep = start(1);
    try (RemoteCluster cluster = sheep.connect()) {
      ObjectId oid = makeObject(cluster, 3);
      int right = content(sheep, 1, oid);
      sheep.flipBit(1, oid, 4711);
      sheep.eventually("the copy is repaired", () -> content(sheep, 1, oid) == right);
      assertTrue(sheep.logs().contains("is repaired from port"));
      ObjectId inode = ObjectId.inode(oid.vid());
      for (int i = 0; i < SheepProcesses.NODES; i++) { // one of them leads
        int node = i;
        int known = content(sheep, node, inode);
        Files.delete(sheep.store(node).resolve("obj").resolve(inode.toString()));
        sheep.eventually("the inode is back", () -> content(sheep, node, inode) == known);
      }
    }
  }

  /** And as soon as it is put back, all goes on. */
  @Test
  void inodeReadsAsZeros_onTheOnlyNodeThatIsUpToDate_isTakenByNobody() throws Exception {
    SheepProcesses sheep = start(0);
    ObjectId oid;
    ObjectId inode;
    try (RemoteCluster cluster = sheep.connect()) {
      oid = makeObject(cluster, 3);
      inode = ObjectId.inode(oid.vid());
      cluster.objects().flush(oid.vid());
    }
    for (int node = 1; node < SheepProcesses.NODES; node++) {
      sheep.kill(node);
      sheep.awaitSyncedCount(SheepProcesses.NODES - node);
    }
    sheep.kill(0);
    Path damaged = sheep.store(0).resolve("obj").resolve(inode.toString());
    byte[] right = Files.readAllBytes(damaged);
    byte[] zeros = right.clone();
    Arrays.fill(zeros, 0, 512, (byte) 0);
    Files.write(damaged, zeros);
    int known = content(sheep, 1, inode);
    for (int node = 0; node < SheepProcesses.NODES; node++) {
      sheep.start(node);
    }
    String complaint = "this node cannot catch up before what is damaged is put right";
    sheep.eventually("one says so", () -> sheep.logs().contains(complaint));
    for (int node = 1; node < SheepProcesses.NODES; node++) {
      assertEquals(known, content(sheep, node, inode));
    }
    sheep.kill(0);
    Files.write(damaged, right);
    sheep.start(0);
    sheep.awaitSynced();
    try (RemoteCluster cluster = sheep.connect()) {
      assertEquals(oid.vid(), cluster.vdis().lookup(new VdiName("v")).vid());
      assertEquals(0, sheep.check(0, inode));
    }
  }
}
