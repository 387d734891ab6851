package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three sheep that store and one that does not, as processes. By hand, as the others of a cluster:
 * {@code -Dsheepfs.cluster.rounds=1}, or more.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class GatewayNodeIT {

  private static final int OBJECTS = 4;
  private static final int GATEWAY = 3;
  private static final int ROUNDS = Integer.getInteger("sheepfs.cluster.rounds", 1);

  private SheepProcesses sheep;
  private RemoteCluster cluster;
  private TestDisk disk;

  @BeforeEach
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    sheep.startGateway(GATEWAY);
    for (int i = 0; i < SheepProcesses.NODES; i++) {
      sheep.start(i);
    }
    sheep.eventually("all are there", () -> sheep.nodesThere() == 4);
    sheep.format();
    sheep.awaitSynced();
    cluster = sheep.connect(GATEWAY);
    disk = new TestDisk(cluster, new VdiName("v"), OBJECTS, 0);
  }

  @AfterEach
  void stopAll() throws IOException {
    if (cluster != null) {
      cluster.close();
    }
    sheep.close();
  }

  private static int epoch(RemoteCluster through) throws SheepException {
    return through.info().epochs().get(0).number();
  }

  @Test
  void gateway_servesClientsAndStoresNothing() throws Exception {
    for (int i = 0; i < 20; i++) {
      disk.write(cluster);
    }
    cluster.objects().flush(disk.vid());
    try (RemoteCluster one = sheep.connect(1)) {
      disk.verify(one);
      for (RemoteCluster any : List.of(one, cluster)) {
        List<Integer> points = any.nodes().stream().map(NodeInfo::virtualNodes).sorted().toList();
        assertEquals(List.of(0, 128, 128, 128), points);
      }
      VdiLock lock = cluster.vdis().lock(new VdiName("v"));
      SheepException busy =
          assertThrows(SheepException.class, () -> one.vdis().lock(new VdiName("v")));
      assertEquals(ResultCode.VDI_LOCKED, busy.result());
      lock.close();
      one.vdis().lock(new VdiName("v")).close();
      sheep.reweight(GATEWAY);
      sheep.awaitSynced();
      assertEquals(1, epoch(one), "a ring of the same nodes is the same ring");
    }
    assertEquals(Map.of(), sheep.contents(GATEWAY));
    assertEquals(sheep.contents(0), sheep.contents(1));
  }

  @Test
  void gatewayLostOrFrozen_nobodyElseNotices() throws Exception {
    try (RemoteCluster others = sheep.connect(0)) {
      int before = epoch(others);
      for (int round = 0; round < ROUNDS; round++) {
        sheep.signal(GATEWAY, "STOP");
        sheep.eventually("the frozen gateway is gone", () -> sheep.nodesThere() == 3);
        for (int i = 0; i < 20; i++) {
          disk.write(others);
        }
        assertEquals(3, others.nodes().size());
        sheep.signal(GATEWAY, "CONT");
        sheep.eventually("the gateway is back", () -> sheep.nodesThere() == 4);
        disk.verify(cluster);
        sheep.kill(GATEWAY);
        for (int i = 0; i < 20; i++) {
          disk.write(others);
        }
        sheep.startGateway(GATEWAY);
        sheep.eventually("the gateway serves again", () -> epoch(cluster) == before);
        disk.verify(cluster);
      }
      assertEquals(before, epoch(others));
    }
  }

  @Test
  void nodesLost_gatewayGoesOn() throws Exception {
    for (int round = 0; round < ROUNDS; round++) {
      for (int victim = 0; victim < SheepProcesses.NODES; victim++) {
        sheep.kill(victim);
        for (int i = 0; i < 20; i++) {
          disk.write(cluster);
        }
        disk.verify(cluster);
        sheep.start(victim);
        sheep.awaitSynced();
        disk.verify(cluster);
      }
    }
    assertEquals(sheep.contents(0), sheep.contents(1));
    assertEquals(sheep.contents(0), sheep.contents(2));
  }

  @Test
  void nodeStartedAsGateway_givesItsDataAwayAtReweight() throws Exception {
    for (int i = 0; i < 20; i++) {
      disk.write(cluster);
    }
    assertEquals(0, sheep.stop(2));
    disk.write(cluster);
    sheep.startGateway(2);
    sheep.awaitSynced(); // it stores until it is off the ring
    sheep.reweight(0);
    sheep.awaitSynced(0, 1);
    try (RemoteCluster former = sheep.connect(2)) {
      sheep.eventually("it lists itself without points", () -> pointsOf(former, 2) == 0);
      disk.write(former);
      disk.verify(former);
      sheep.kill(0);
      disk.write(former);
      disk.verify(former);
      assertTrue(sheep.isRunning(2));
    }
  }

  private int pointsOf(RemoteCluster through, int node) throws SheepException {
    int port = sheep.address(node).getPort();
    return through.nodes().stream()
        .filter(info -> info.port() == port)
        .mapToInt(NodeInfo::virtualNodes)
        .findAny()
        .orElse(-1);
  }
}
