package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * What administrators order of a cluster of processes. By hand, as the others of a cluster: {@code
 * -Dsheepfs.cluster.rounds=1}, or more.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class OrdersIT {

  private static final int OBJECTS = 12;
  private static final int ROUNDS = Integer.getInteger("sheepfs.cluster.rounds", 1);
  private static final VdiName NAME = new VdiName("v");

  private SheepProcesses sheep;
  private RemoteCluster cluster;

  @SuppressWarnings("NullAway.Init") // each test makes it
  private TestDisk disk;

  private final Random random = new Random();

  @BeforeEach
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.start(i);
    }
    sheep.format();
    sheep.awaitSynced();
    cluster = sheep.connect();
  }

  private void makeVdi(int copies) throws SheepException {
    disk = new TestDisk(cluster, NAME, OBJECTS, copies);
  }

  @AfterEach
  void stopAll() throws IOException {
    if (cluster != null) {
      cluster.close();
    }
    sheep.close();
  }

  private boolean haveCopies(int copies) throws IOException {
    for (int i = 0; i < OBJECTS; i++) {
      int found = 0;
      for (int node = 0; node < SheepProcesses.NODES; node++) {
        found += sheep.contents(node).containsKey(disk.data(i).toString()) ? 1 : 0;
      }
      if (found != copies) {
        return false;
      }
    }
    return true;
  }

  private void setCopies(int copies) throws IOException {
    RequestFields fields = new RequestFields.VdiChange(0, disk.vid().value(), copies, 0, 0, 22);
    assertEquals(ResultCode.SUCCESS, sheep.order(1, Opcode.ALTER_VDI_COPY, fields));
    assertEquals(copies, cluster.vdis().lookup(NAME).copies());
  }

  @Test
  void copiesOfVdi_changedUnderLoadAndCrashes_areMadeAndDropped() throws Exception {
    makeVdi(2);
    disk.write(30);
    // what clients write there by themselves changes nothing: nodes have to agree on it
    ByteBuffer one = ByteBuffer.wrap(new byte[] {1});
    cluster.objects().write(ObjectId.inode(disk.vid()), InodeLayout.COPIES, one, Durability.STABLE);
    assertEquals(2, cluster.vdis().lookup(NAME).copies());
    for (int round = 0; round < ROUNDS; round++) {
      for (int copies : new int[] {3, 1, 2}) {
        setCopies(copies);
        disk.write(30);
        if (round > 0) {
          int victim = random.nextInt(SheepProcesses.NODES);
          sheep.kill(victim);
          if (copies == 3) {
            disk.write(30);
          }
          sheep.start(victim);
        }
        disk.write(30);
        sheep.awaitSynced();
        disk.verify();
        sheep.eventually(copies + " copies of each", () -> haveCopies(copies));
      }
    }
    setCopies(3);
    sheep.awaitSynced();
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.kill(i);
    }
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.start(i);
    }
    sheep.awaitSynced();
    disk.write(30);
    disk.verify();
    assertTrue(haveCopies(3));
  }

  @Test
  void defaultCopies_changed_areThoseOfNewVdis() throws Exception {
    RequestFields fields = new RequestFields.ClusterWide(0, 0, 2, 0, 0, 0, 0, 0);
    assertEquals(ResultCode.SUCCESS, sheep.order(2, Opcode.ALTER_CLUSTER_COPY, fields));
    sheep.eventually("it is told", () -> cluster.info().copies() == 2);
    makeVdi(0);
    assertEquals(2, cluster.vdis().lookup(NAME).copies());
    assertTrue(haveCopies(2));
  }

  @Test
  void recoveryHeldBack_nodeCatchesUpWhenItIsLetGo() throws Exception {
    makeVdi(3);
    disk.write(30);
    assertEquals(
        ResultCode.SUCCESS, sheep.order(0, Opcode.DISABLE_RECOVER, new RequestFields.None()));
    sheep.kill(2);
    disk.write(30);
    sheep.start(2);
    sheep.eventually("it waits", () -> sheep.logs().contains("recovery is disabled"));
    disk.write(30);
    disk.verify();
    sheep.eventually("it is told", () -> cluster.info().recoveryDisabled());
    assertEquals(
        ResultCode.SUCCESS, sheep.order(1, Opcode.ENABLE_RECOVER, new RequestFields.None()));
    sheep.awaitSynced();
    disk.verify();
    assertFalse(cluster.info().recoveryDisabled());
    assertEquals(sheep.contents(0), sheep.contents(2));
  }

  @Test
  void nodeThatWasUpToDateIsLost_forcedRecoveryGoesOnWithoutIt() throws Exception {
    makeVdi(3);
    assertEquals(
        ResultCode.FORCE_RECOVER,
        sheep.order(0, Opcode.FORCE_RECOVER, new RequestFields.None()),
        "nothing is waited for");
    sheep.kill(2);
    disk.write(30);
    sheep.kill(0);
    sheep.kill(1);
    sheep.eventually("all are gone", () -> sheep.nodesThere() == 0);
    sheep.start(0);
    sheep.start(2);
    sheep.eventually("both are there", () -> sheep.nodesThere() == 2);
    sheep.eventually(
        "it is forced",
        () -> sheep.order(2, Opcode.FORCE_RECOVER, new RequestFields.None()) == ResultCode.SUCCESS);
    disk.verify();
    disk.write(30);
    sheep.start(1);
    sheep.awaitSynced();
    disk.verify();
    assertEquals(sheep.contents(0), sheep.contents(1));
    assertEquals(sheep.contents(0), sheep.contents(2));
  }
}
