package io.sheepfs.cache;

import static java.util.Objects.requireNonNull;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The limits of a cache together, and the commands that set and use them. */
@Timeout(120)
final class QuotaTest {

  private static final int MIB = 1 << 20;
  private static final int OBJECTS = 12;
  private static final VdiName SMALL = new VdiName("small");
  private static final VdiName OTHER = new VdiName("other\nline \\ 2");

  private final MemoryCluster cluster = new MemoryCluster(20);
  private @TempDir Path directory;
  private VdiId small;
  private VdiId other;
  private ObjectCache cache;

  @BeforeEach
  void openCache() throws IOException {
    small = cluster.vdis().create(SMALL, VdiSpec.ofSize((long) OBJECTS * MIB)).vid();
    other = cluster.vdis().create(OTHER, VdiSpec.ofSize((long) OBJECTS * MIB)).vid();
    for (VdiId vid : new VdiId[] {small, other}) {
      for (int i = 0; i < OBJECTS; i++) {
        cluster.objects().create(ObjectId.data(vid, i), 0, filled(i + 1), Durability.STABLE);
        ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
        entry.putInt(0, vid.value());
        cluster
            .objects()
            .write(ObjectId.inode(vid), InodeLayout.indexOffset(i), entry, Durability.STABLE);
      }
    }
    open(10L * MIB);
  }

  private void open(long sizeBytes) throws IOException {
    CacheOptions options = CacheOptions.defaults().withLimits(sizeBytes, 0, 64 << 20);
    cache =
        ObjectCache.open(
            cluster.objects(), directory.resolve("cache"), "test", options, Runnable::run);
  }

  @AfterEach
  void closeCache() throws IOException {
    cluster.setFault(Fault.none());
    cache.close();
  }

  private static ByteBuffer filled(int value) {
    byte[] bytes = new byte[MIB];
    Arrays.fill(bytes, (byte) value);
    return ByteBuffer.wrap(bytes);
  }

  private void read(VdiId vid, int index) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(MIB);
    cache.read(ObjectId.data(vid, index), 0, bytes);
    assertEquals(filled(index + 1), bytes.flip());
  }

  private long cached(VdiId vid) {
    return cache.vdis().stream()
        .filter(vdi -> vdi.vid().equals(vid))
        .mapToLong(CachedVdi::validBytes)
        .sum();
  }

  @Test
  void quota_ofOneVdi_limitsItAndNotTheOther() throws Exception {
    cache.setQuota(SMALL, 3 * MIB);
    for (int i = 0; i < OBJECTS; i++) {
      read(small, i);
      assertTrue(cached(small) <= 3 * MIB, "has " + cached(small));
    }
    for (int i = 0; i < 6; i++) {
      read(other, i);
    }
    assertEquals(6 * MIB, cached(other));
    assertEquals(new Quota(3 * MIB, cached(small)), cache.quota(SMALL));
    cache.assertInvariants();
  }

  @Test
  void quota_andSize_bothHold() throws Exception {
    cache.setQuota(SMALL, 4 * MIB);
    for (int round = 0; round < 3; round++) {
      for (int i = 0; i < OBJECTS; i++) {
        read(small, i);
        read(other, i);
        assertTrue(cached(small) <= 4 * MIB, "has " + cached(small));
        assertTrue(cached(small) + cached(other) <= 10 * MIB);
      }
    }
    assertTrue(cached(other) > 0);
  }

  @Test
  void quota_setWhenThereIsMore_thrownOutAtOnce() throws Exception {
    for (int i = 0; i < 8; i++) {
      read(small, i);
    }
    assertEquals(8 * MIB, cached(small));
    cache.setQuota(SMALL, 2 * MIB);
    assertTrue(cached(small) <= 2 * MIB, "has " + cached(small));
    cache.setQuota(SMALL, 0);
    for (int i = 0; i < 8; i++) {
      read(small, i);
    }
    assertEquals(8 * MIB, cached(small));
  }

  @Test
  void quota_afterRestart_stillHolds() throws Exception {
    cache.setQuota(SMALL, 2 * MIB);
    cache.setQuota(OTHER, 5 * MIB);
    for (int i = 0; i < 3; i++) {
      read(small, i);
    }
    cache.close();
    open(10L * MIB);
    assertEquals(5 * MIB, cache.quota(OTHER).limitBytes());
    assertTrue(cache.quota(SMALL).usedBytes() > 0, "what was there is counted to its name");
    for (int i = 3; i < 8; i++) {
      read(small, i);
      assertTrue(cached(small) <= 2 * MIB, "has " + cached(small));
    }
  }

  @Test
  void quota_damagedRecord_none() throws Exception {
    cache.setQuota(SMALL, 2 * MIB);
    cache.close();
    Files.writeString(directory.resolve("cache/quotas"), "99 small\ncrc 0\n");
    open(10L * MIB);
    assertEquals(0, cache.quota(SMALL).limitBytes());
  }

  @Test
  void quota_tooSmall_refused() {
    assertThrows(IllegalArgumentException.class, () -> cache.setQuota(SMALL, 4096));
  }

  @Test
  void quota_dirtyData_flushedBeforeThereIsMoreThanThat() throws Exception {
    cache.setQuota(SMALL, 2 * MIB);
    for (int i = 0; i < OBJECTS; i++) {
      read(small, i);
      cache.write(ObjectId.data(small, i), 0, filled(i + 100), Durability.UNSTABLE);
      assertTrue(cache.status().dirtyBytes() <= 2 * MIB, "dirty " + cache.status().dirtyBytes());
    }
    cache.flush(small);
    for (int i = 0; i < OBJECTS; i++) {
      ByteBuffer stored = ByteBuffer.allocate(MIB);
      cluster.objects().read(ObjectId.data(small, i), 0, stored);
      assertEquals(filled(i + 100), stored.flip());
    }
    assertTrue(cached(small) <= 2 * MIB, "has " + cached(small));
    cache.assertInvariants();
  }

  @Test
  void purge_leavesTheSizeToOthers() throws Exception {
    for (int i = 0; i < 10; i++) {
      read(small, i);
    }
    cache.purge(small);
    for (int i = 0; i < 10; i++) {
      read(other, i);
    }
    assertEquals(10 * MIB, cached(other), "what was purged weighs nothing");
  }

  private CacheCommands commands() {
    return new CacheCommands(cache, oid -> true, Runnable::run);
  }

  @Test
  void warm_wholeVdi_readWithoutTheCluster() throws Exception {
    cache.setQuota(OTHER, 0);
    cache.close();
    open(64L * MIB);
    assertEquals("warm none 0 0", commands().run(SMALL, small, "warm status"));
    String all = OBJECTS * MIB + " " + OBJECTS * MIB;
    assertEquals("warm done " + all, commands().run(SMALL, small, "warm"));
    cluster.setFault(Fault.failing(call -> true, ResultCode.NETWORK_ERROR));
    for (int i = 0; i < OBJECTS; i++) {
      read(small, i);
    }
  }

  @Test
  void warm_moreThanFits_stopsWhenItIsFull() throws Exception {
    assertTrue(commands().run(SMALL, small, "warm").startsWith("warm full "));
    cache.setQuota(OTHER, 2 * MIB);
    cache.purge(small);
    assertTrue(commands().run(OTHER, other, "warm").startsWith("warm full "));
    assertTrue(cached(other) <= 2 * MIB);
  }

  @Test
  void warm_stoppedOrRefused_ends() throws Exception {
    Warming[] warming = new Warming[1];
    warming[0] =
        cache.warming(
            small,
            oid -> {
              if (oid.index() == 3) {
                warming[0].stop();
              }
              return true;
            });
    warming[0].run();
    assertEquals(Warming.State.STOPPED, warming[0].state());
    assertTrue(warming[0].doneBytes() < OBJECTS * MIB);
    Warming refused = cache.warming(other, oid -> false);
    refused.run();
    assertEquals(Warming.State.STOPPED, refused.state());
    assertEquals(0, cached(other));
  }

  @Test
  void warm_clusterFails_says() throws Exception {
    cluster.setFault(
        Fault.failing(
            call -> call.operation() == Operation.READ && !call.isInode(), ResultCode.EIO));
    Warming warming = cache.warming(small, oid -> true);
    warming.run();
    assertEquals(Warming.State.FAILED, warming.state());
    assertEquals(ResultCode.EIO, requireNonNull(warming.failure()).result());
  }

  @Test
  void commands_quotaAndNonsense() throws Exception {
    assertEquals("quota 0 0", commands().run(SMALL, small, "quota"));
    assertEquals("quota " + 5 * MIB + " 0", commands().run(SMALL, small, "quota 5M"));
    assertEquals(5 * MIB, cache.quota(SMALL).limitBytes());
    assertEquals("quota 0 0", commands().run(SMALL, small, " quota none\n"));
    CacheCommands same = commands();
    same.run(SMALL, small, "quota 6M");
    same.run(SMALL, small, "fsck");
    same.run(SMALL, small, "warm stop");
    assertEquals(List.of("fsck 0 0 0 small", "quota " + 6 * MIB + " 0 small"), same.answers());
    for (String wrong : new String[] {"", "quota x", "quota 1K", "warm up", "fsck now", "a b c"}) {
      assertThrows(
          IllegalArgumentException.class, () -> commands().run(SMALL, small, wrong), wrong);
    }
  }

  @Test
  void fsck_damagedBlocks_cleanMendedAndDirtyCounted() throws Exception {
    read(small, 0);
    read(small, 1);
    cache.write(ObjectId.data(small, 1), 4096, ByteBuffer.allocate(4096), Durability.UNSTABLE);
    assertEquals("fsck " + 2 * MIB + " 0 0", commands().run(SMALL, small, "fsck"));
    Path folder = directory.resolve("cache").resolve(String.format("%06x", small.value()));
    damage(folder.resolve("00000000"), 9 * 4096);
    damage(folder.resolve("00000001"), 4096);
    assertEquals("fsck " + 2 * MIB + " 1 1", commands().run(SMALL, small, "fsck"));
    read(small, 0);
    assertEquals(new CacheCheck(2 * MIB, 0, 1), cache.check(small));
  }

  private static void damage(Path file, int at) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    bytes[at] ^= 0x40;
    Files.write(file, bytes);
  }
}
