package io.sheepfs.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.store.server.ServerOptions;
import io.sheepfs.store.server.SheepServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How a client on the network learns that what it had not flushed may be lost. */
@Timeout(120)
final class LostWritesTest {

  private final StoreDisk disk = StoreDisk.of(StoreDisk.Kind.MEMORY);
  private LocalSheep sheep;
  private SheepServer server;
  private RemoteCluster client;
  private ObjectStore objects;
  private VdiId vid;

  LostWritesTest() throws IOException {}

  @BeforeEach
  void start() throws IOException {
    open("one", 0);
    client =
        RemoteCluster.connect(
            List.of(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port())),
            ClientOptions.DEFAULTS);
    objects = client.objects();
    vid = client.vdis().create(new VdiName("disk"), VdiSpec.ofSize(64 << 20)).vid();
    objects.create(ObjectId.data(vid, 0), 0, block(), Durability.UNSTABLE);
    name(0);
    objects.flush(vid);
  }

  private void name(int index) throws IOException {
    ByteBuffer own = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, vid.value());
    objects.write(ObjectId.inode(vid), InodeLayout.indexOffset(index), own, Durability.UNSTABLE);
  }

  private void open(String bootId, int port) throws IOException {
    sheep =
        LocalSheep.open(disk.store(), LocalSheepOptions.defaults(), bootId, (change, path) -> {});
    server =
        SheepServer.start(
            sheep,
            new InetSocketAddress(InetAddress.getLoopbackAddress(), port),
            ServerOptions.DEFAULTS);
  }

  /** The process dies; then the machine may die, too. */
  private void restart(String bootId) throws IOException {
    int port = server.port();
    server.close();
    sheep.close();
    open(bootId, port);
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    server.close();
    sheep.close();
    disk.close();
  }

  private static ByteBuffer block() {
    return ByteBuffer.allocate(4096);
  }

  private void write(Durability durability) throws IOException {
    objects.write(ObjectId.data(vid, 0), 4096, block(), durability);
  }

  @Test
  void processDied_nothingIsLost() throws IOException {
    write(Durability.UNSTABLE);
    restart("one");
    objects.flush(vid);
    assertEquals(0, objects.losses(vid));
  }

  @Test
  void machineDied_flushTells() throws IOException {
    write(Durability.UNSTABLE);
    assertEquals(0, objects.losses(vid));
    restart("two");
    assertEquals(0, objects.losses(vid), "nobody was asked since");
    objects.flush(vid);
    assertEquals(1, objects.losses(vid));
    restart("two");
    objects.flush(vid);
    assertEquals(1, objects.losses(vid));
  }

  @Test
  void machineDied_nextUnstableWriteTells() throws IOException {
    write(Durability.UNSTABLE);
    restart("two");
    write(Durability.STABLE);
    assertEquals(0, objects.losses(vid));
    write(Durability.UNSTABLE);
    assertEquals(1, objects.losses(vid));
  }

  @Test
  void machineDied_eachVdiIsTold() throws IOException {
    VdiId other = client.vdis().create(new VdiName("other"), VdiSpec.ofSize(64 << 20)).vid();
    assertEquals(0, objects.losses(other));
    objects.create(ObjectId.data(other, 0), 0, block(), Durability.UNSTABLE);
    write(Durability.UNSTABLE);
    restart("two");
    objects.flush(vid);
    assertEquals(1, objects.losses(vid));
    assertEquals(0, objects.losses(other), "that was not flushed since");
    objects.flush(other);
    assertNotEquals(0, objects.losses(other));
  }

  @Test
  void machineDiedBeforeSnapshotElsewhere_successorIsTold() throws IOException {
    write(Durability.UNSTABLE);
    restart("two");
    VdiId successor = sheep.vdis().snapshot(new VdiName("disk"), new SnapshotTag("tag")).vid();
    objects.continueAs(vid, successor);
    objects.flush(successor);
    assertEquals(1, objects.losses(successor));
  }

  @Test
  void snapshotElsewhereIsGone_countsAsLost() throws IOException {
    write(Durability.UNSTABLE);
    VdiName name = new VdiName("disk");
    VdiId successor = sheep.vdis().snapshot(name, new SnapshotTag("tag")).vid();
    sheep.vdis().delete(name, new SnapshotSelector.ByTag(new SnapshotTag("tag")));
    objects.continueAs(vid, successor);
    objects.flush(successor);
    assertEquals(0, objects.losses(successor), "it is flushed all the same");
  }

  @Test
  void lockGivenUp_isForgotten() throws IOException {
    long before;
    try (VdiLock lock = client.vdis().lock(new VdiName("disk"))) {
      before = objects.losses(lock.vdi().vid());
      write(Durability.UNSTABLE);
    }
    assertNotEquals(before, objects.losses(vid), "who did not flush before cannot tell");
  }

  @Test
  void machineDiedAfterCleanEnd_nothingIsLost() throws IOException {
    write(Durability.UNSTABLE);
    objects.flush(vid);
    sheep.flushAll();
    restart("two");
    objects.flush(vid);
    assertEquals(0, objects.losses(vid));
  }

  @Test
  void killedBetweenObjectAndIndexEntry_clientGoesOn() throws IOException {
    for (String boot : List.of("one", "two")) {
      int index = boot.equals("one") ? 1 : 2;
      ObjectId oid = ObjectId.data(vid, index);
      objects.create(oid, 0, block(), Durability.UNSTABLE);
      restart(boot);
      name(index);
      objects.read(oid, 0, block());
    }
    objects.create(ObjectId.data(vid, 3), 0, block(), Durability.UNSTABLE);
    restart("two");
    objects.flush(vid);
    sheep.flushAll();
    restart("two");
    SheepException gone =
        assertThrows(SheepException.class, () -> objects.read(ObjectId.data(vid, 3), 0, block()));
    assertEquals(ResultCode.NO_OBJ, gone.result(), "nobody named it until the clean end");
  }

  @Test
  void numberIsGone_isAnotherOne() throws IOException {
    long before = sheep.incarnation(vid);
    Files.delete(disk.store().resolve("incarnation"));
    restart("one");
    assertNotEquals(before, sheep.incarnation(vid));
    assertNotEquals(0, sheep.incarnation(vid));
    Files.writeString(disk.store().resolve("incarnation"), "nonsense");
    restart("one");
    assertNotEquals(0, sheep.incarnation(vid));
  }

  @Test
  void cacheInFrontTakenAway_isAnotherNumber() throws IOException {
    long before = sheep.incarnation(vid);
    server.close();
    sheep.close();
    Files.writeString(disk.store().resolve(LocalSheep.CACHE_MARK), "name");
    sheep = LocalSheep.open(disk.store(), LocalSheepOptions.defaults());
    assertNotEquals(before, sheep.incarnation(vid));
  }
}
