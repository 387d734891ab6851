package io.sheepfs.protocol.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.OutcomeUnknownException;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a client does when the network or a sheep fails. */
class RemoteClusterTest {

  private static final VdiName NAME = new VdiName("disk");

  private final MemoryCluster memory = new MemoryCluster();
  private FakeSheep sheep = new FakeSheep(memory, 0);

  @AfterEach
  void closeSheep() {
    sheep.close();
  }

  private RemoteCluster connect() throws SheepException {
    return RemoteCluster.connect(List.of(sheep.address()), ClientOptions.DEFAULTS);
  }

  private static InetSocketAddress deadAddress() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), socket.getLocalPort());
    }
  }

  private static ByteBuffer bytes(int length, int fill) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(length);
    while (bytes.hasRemaining()) {
      bytes.put((byte) fill);
    }
    return bytes.flip();
  }

  private static void eventually(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < deadline, what);
      LockSupport.parkNanos(5_000_000);
    }
  }

  @Test
  void connect_nobodyListens_networkErrorNamesTheAddress() throws Exception {
    InetSocketAddress dead = deadAddress();
    SheepException refused =
        assertThrows(
            SheepException.class,
            () -> RemoteCluster.connect(List.of(dead), ClientOptions.DEFAULTS));
    assertEquals(ResultCode.NETWORK_ERROR, refused.result());
    assertTrue(
        String.valueOf(refused.getMessage()).contains(":" + dead.getPort()), refused.getMessage());
  }

  @Test
  void connect_firstAddressDead_secondUsed() throws Exception {
    try (RemoteCluster cluster =
        RemoteCluster.connect(List.of(deadAddress(), sheep.address()), ClientOptions.DEFAULTS)) {
      cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      assertEquals(sheep.address().getPort(), cluster.client().gatewayAddress().getPort());
    }
  }

  @Test
  void read_sheepRestartsMeanwhile_ridesOverIt() throws Exception {
    try (RemoteCluster cluster = connect()) {
      VdiInfo vdi = cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      ObjectId oid = ObjectId.data(vdi.vid(), 0);
      cluster.objects().create(oid, 0, bytes(100_000, 7), Durability.STABLE);
      int port = sheep.address().getPort();
      sheep.close();
      Thread restart =
          new Thread(
              () -> {
                LockSupport.parkNanos(300_000_000);
                sheep = new FakeSheep(memory, port);
              });
      restart.start();
      ByteBuffer back = ByteBuffer.allocateDirect(100_000);
      cluster.objects().read(oid, 0, back);
      restart.join();
      assertEquals(bytes(100_000, 7), back.flip());
    }
  }

  @Test
  void write_connectionBreaksBeforeTheAnswer_repeated() throws Exception {
    try (RemoteCluster cluster = connect()) {
      VdiInfo vdi = cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      ObjectId oid = ObjectId.data(vdi.vid(), 0);
      cluster.objects().create(oid, 0, bytes(4096, 1), Durability.STABLE);
      int before = sheep.served();
      sheep.hangUpAfter(request -> request.opcode() == Opcode.WRITE_OBJ);
      ByteBuffer data = bytes(4096, 2);
      cluster.objects().write(oid, 0, data, Durability.STABLE);
      assertFalse(data.hasRemaining());
      assertEquals(before + 2, sheep.served());
    }
  }

  /** So that the first attempt, if it is still on its way, is refused when it comes. */
  @Test
  void write_underALeaseAndConnectionBreaks_repeatedUnderAnother() throws Exception {
    sheep.giveLeases();
    try (RemoteCluster cluster = connect()) {
      VdiInfo vdi = cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      try (VdiLock lock = cluster.vdis().lock(NAME)) {
        ObjectId oid = ObjectId.data(lock.vdi().vid(), 0);
        cluster.objects().create(oid, 0, bytes(4096, 1), Durability.STABLE);
        sheep.hangUpAfter(request -> request.opcode() == Opcode.WRITE_OBJ);
        ByteBuffer data = bytes(4096, 2);
        cluster.objects().write(oid, 0, data, Durability.STABLE);
        assertFalse(data.hasRemaining());
        cluster.objects().write(oid, 0, bytes(4096, 3), Durability.STABLE);
        assertEquals(List.of(1, 2, 2), sheep.writtenUnder());
        assertTrue(lock.isHeld());
      }
      assertEquals(vdi.vid(), cluster.vdis().lookup(NAME).vid());
    }
  }

  @Test
  void create_connectionBreaksBeforeTheAnswer_outcomeUnknown() throws Exception {
    try (RemoteCluster cluster = connect()) {
      sheep.hangUpAfter(request -> request.opcode() == Opcode.NEW_VDI);
      assertThrows(
          OutcomeUnknownException.class,
          () -> cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20)));
      assertEquals(NAME, cluster.vdis().lookup(NAME).name());
    }
  }

  @Test
  void read_neverAnswered_failsWhenItsTimeIsUp() throws Exception {
    ClientOptions hasty = ClientOptions.DEFAULTS.withRequestTimeout(Duration.ofMillis(300));
    try (RemoteCluster cluster = RemoteCluster.connect(List.of(sheep.address()), hasty)) {
      VdiInfo vdi = cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      sheep.keepSilentAfter(request -> request.opcode() == Opcode.READ_OBJ);
      SheepException late =
          assertThrows(
              SheepException.class,
              () ->
                  cluster.objects().read(ObjectId.inode(vdi.vid()), 0, ByteBuffer.allocate(1000)));
      assertEquals(ResultCode.NETWORK_ERROR, late.result());
    }
  }

  @Test
  void lock_connectionBreaks_takenAgain() throws Exception {
    try (RemoteCluster cluster = connect();
        RemoteCluster other = connect()) {
      cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      try (VdiLock lock = cluster.vdis().lock(NAME)) {
        int before = sheep.served();
        sheep.hangUp();
        eventually("the lock is asked for again", () -> sheep.served() > before);
        assertTrue(lock.isHeld());
        SheepException locked =
            assertThrows(SheepException.class, () -> other.vdis().lock(NAME).close());
        assertEquals(ResultCode.VDI_LOCKED, locked.result());
      }
    }
  }

  @Test
  void lock_takenByAnotherWhileAway_lost() throws Exception {
    try (RemoteCluster cluster = connect()) {
      cluster.vdis().create(NAME, VdiSpec.ofSize(1 << 20));
      VdiLock lock = cluster.vdis().lock(NAME);
      int port = sheep.address().getPort();
      sheep.close();
      eventually("the lock of the lost session is free", () -> isFree());
      try (VdiLock taken = memory.vdis().lock(NAME)) {
        assertTrue(taken.isHeld());
        sheep = new FakeSheep(memory, port);
        eventually("the loss is noticed", () -> !lock.isHeld());
      }
      lock.close();
    }
  }

  private boolean isFree() {
    try (VdiLock probe = memory.vdis().lock(NAME)) {
      return probe.isHeld();
    } catch (SheepException e) {
      return false;
    }
  }
}
