package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.cache.CacheOptions.DiskAccess;
import io.sheepfs.protocol.CacheCommand;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectCacheRecord;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.protocol.client.SheepClient.Repeat;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The cache of a gateway: what clients can ask of it, and when it is believed. */
@Timeout(60)
final class GatewayCacheTest {

  private static final VdiName DISK = new VdiName("disk");
  private static final int BLOCK = 4096;

  private @TempDir Path folder;
  private ServedGateway gateway;
  private RemoteCluster client;
  private VdiId vid;
  private ObjectId oid;

  @BeforeEach
  void start() throws Exception {
    open();
    vid = client.vdis().create(DISK, VdiSpec.ofSize(8 << 20)).vid();
    oid = ObjectId.data(vid, 0);
    client.objects().create(oid, 0, filled(1), Durability.STABLE);
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    entry.putInt(0, vid.value());
    client
        .objects()
        .write(ObjectId.inode(vid), InodeLayout.indexOffset(0), entry, Durability.STABLE);
  }

  private void open() throws IOException {
    gateway = new ServedGateway(folder);
    client = gateway.connect();
  }

  @AfterEach
  void stop() throws IOException {
    client.close();
    gateway.close();
  }

  private static ByteBuffer filled(int value) {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void write(int value) throws SheepException {
    client.objects().write(oid, 0, filled(value), Durability.UNSTABLE);
  }

  private void assertServed(int value) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    client.objects().read(oid, 0, bytes);
    assertArrayEquals(filled(value).array(), bytes.array());
  }

  private byte stored() throws IOException {
    return Files.readAllBytes(folder.resolve("store/obj").resolve(oid.toString()))[0];
  }

  private ResultCode call(Opcode opcode, int flags) throws SheepException {
    ResponseHeader answer =
        client
            .client()
            .call(
                opcode,
                flags,
                RequestFields.Obj.of(ObjectId.inode(vid), 0),
                flags == 0 ? null : ByteBuffer.allocate(0),
                null,
                Repeat.ALWAYS);
    return answer.result();
  }

  private ObjectCacheRecord info() throws SheepException {
    ByteBuffer body = ByteBuffer.allocate(ObjectCacheRecord.SIZE_BYTES);
    client
        .client()
        .call(Opcode.GET_CACHE_INFO, 0, new RequestFields.None(), null, body, Repeat.ALWAYS);
    return ObjectCacheRecord.decode(body.flip());
  }

  @Test
  void write_withTheCacheFlag_heldBackUntilFlush() throws Exception {
    write(2);
    assertServed(2);
    assertEquals(1, stored());
    assertEquals(List.of(new ObjectCacheRecord.CachedVdi(vid.value(), 1, 1)), info().caches());
    assertEquals(ServedGateway.OPTIONS.sizeBytes(), info().sizeBytes());
    client.objects().flush(vid);
    assertEquals(2, stored());
    assertEquals(List.of(new ObjectCacheRecord.CachedVdi(vid.value(), 0, 1)), info().caches());
    client.objects().write(oid, 0, filled(3), Durability.STABLE);
    assertEquals(3, stored());
    assertServed(3);
  }

  @Test
  void flushDelCacheAndPurge_pushAndForget() throws Exception {
    write(2);
    assertEquals(ResultCode.SUCCESS, call(Opcode.FLUSH_DEL_CACHE, 0));
    assertEquals(2, stored());
    assertEquals(List.of(), info().caches());
    assertEquals(0, info().usedBytes());
    assertServed(2);
    write(3);
    assertEquals(ResultCode.SUCCESS, call(Opcode.CACHE_PURGE, RequestFlags.WRITE));
    assertEquals(3, stored());
    assertEquals(List.of(), info().caches());
    assertServed(3);
    write(4);
    assertEquals(ResultCode.SUCCESS, call(Opcode.CACHE_PURGE, 0));
    assertEquals(4, stored());
    assertEquals(List.of(), info().caches());
  }

  private String command(String command) throws SheepException {
    ByteBuffer answer = ByteBuffer.allocate(CacheCommand.SIZE_BYTES);
    ResponseHeader header =
        client
            .client()
            .call(
                Opcode.CACHE_COMMAND,
                0,
                RequestFields.Obj.of(ObjectId.inode(vid), 0),
                CacheCommand.encode(command),
                answer,
                Repeat.ALWAYS);
    return header.result() + " " + CacheCommand.decode(answer.flip());
  }

  @Test
  void cacheCommand_warmQuotaAndFsck_answered() throws Exception {
    call(Opcode.FLUSH_DEL_CACHE, 0);
    assertEquals("SUCCESS quota 0 0", command("quota"));
    assertEquals("SUCCESS quota 2097152 0", command("quota 2M"));
    assertTrue(command("warm").startsWith("SUCCESS warm "));
    String done = "SUCCESS warm done " + (4 << 20) + " " + (4 << 20);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    String answer = command("warm status");
    while (answer.startsWith("SUCCESS warm running") && System.nanoTime() < deadline) {
      answer = command("warm status");
    }
    assertTrue(answer.equals(done) || answer.startsWith("SUCCESS warm full"), answer);
    assertTrue(command("fsck").matches("SUCCESS fsck \\d+ 0 0"), command("fsck"));
    assertEquals("INVALID_PARMS ", command("purge"));
  }

  @Test
  void deleteCache_dropsWhatWasNotFlushed() throws Exception {
    write(2);
    assertEquals(ResultCode.SUCCESS, call(Opcode.DELETE_CACHE, 0));
    assertServed(1);
    client.objects().flush(vid);
    assertEquals(1, stored());
  }

  @Test
  void snapshot_ofWhatIsHeldBack_hasIt() throws Exception {
    write(2);
    VdiId working = client.vdis().snapshot(DISK, new SnapshotTag("tag")).vid();
    assertEquals(2, stored());
    assertServed(2);
    assertThrows(SheepException.class, () -> write(3));
    assertServed(2);
    ObjectId copy = ObjectId.data(working, 0);
    client.objects().createCopy(copy, oid, BLOCK, filled(5), Durability.UNSTABLE);
    ByteBuffer both = ByteBuffer.allocate(2 * BLOCK);
    client.objects().read(copy, 0, both);
    assertEquals(2, both.get(0));
    assertEquals(5, both.get(BLOCK));
  }

  @Test
  void delete_ofWhatIsHeldBack_forgotten() throws Exception {
    write(2);
    client.vdis().delete(DISK);
    assertEquals(List.of(), info().caches());
  }

  @Test
  void restart_withTheCache_hasWhatWasHeldBack() throws Exception {
    write(2);
    stop();
    open();
    assertServed(2);
    client.objects().flush(vid);
    assertEquals(2, stored());
  }

  @Test
  void restart_storeUsedWithoutTheCache_notBelieved() throws Exception {
    client.objects().flush(vid);
    assertServed(1);
    stop();
    try (LocalSheep alone =
        LocalSheep.open(folder.resolve("store"), LocalSheepOptions.defaults())) {
      alone.objects().write(oid, 0, filled(7), Durability.STABLE);
    }
    open();
    assertServed(7);
    assertEquals(7, stored());
  }

  @Test
  void options_asTheOriginalSpelledThem_parsed() {
    assertEquals(
        new GatewayCacheOptions(100L << 20, null, DiskAccess.PLAIN),
        GatewayCacheOptions.parse("size=100M"));
    assertEquals(
        new GatewayCacheOptions(2L << 30, Path.of("/x"), DiskAccess.PLAIN),
        GatewayCacheOptions.parse("dir=/x,size=2G"));
    assertEquals(
        new GatewayCacheOptions(1L << 30, null, DiskAccess.DIRECT_DSYNC),
        GatewayCacheOptions.parse("directio,size=1G,dsync"));
    for (String wrong : new String[] {"", "size=1M", "size=", "size=xG", "net=4", "size=1G,dir="}) {
      assertThrows(IllegalArgumentException.class, () -> GatewayCacheOptions.parse(wrong), wrong);
    }
  }
}
