package io.sheepfs.cache.coherence;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.cache.CacheOptions;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Two clients with caches, and others without, that share a cluster. */
@Timeout(120)
final class CachedClusterTest {

  private static final int BLOCK = 4096;
  private static final int BLOCKS = 600;
  private static final VdiName DISK = new VdiName("disk");
  private static final VdiName CLONE = new VdiName("clone");
  private static final SnapshotTag TAG = new SnapshotTag("tag");

  @TempDir private Path folder;

  private final AtomicLong clock = new AtomicLong();
  private final MemoryCluster raw = new MemoryCluster(20);
  private final List<Client> clients = new ArrayList<>();

  /** A client with a cache, which can be stopped and started again. */
  private final class Client {
    final String name;
    MemoryCluster session = raw.newSession();
    CachedCluster cluster;

    Client(String name) throws IOException {
      this.name = name;
      this.cluster = open();
      clients.add(this);
    }

    private CachedCluster open() throws IOException {
      session = raw.newSession();
      CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
      cluster = CachedCluster.open(session, folder.resolve(name), "test", options, clock::get);
      return cluster;
    }

    /** What a death of the process leaves: the cache as it is, the lock free. */
    void restart() throws IOException {
      cluster.close();
      open();
    }

    Volume writer() throws SheepException {
      return Volume.open(cluster, DISK, Access.READ_WRITE);
    }

    Volume reader() throws SheepException {
      return Volume.open(cluster, DISK, Access.READ_ONLY);
    }

    long dirtyBytes() {
      return cluster.cache().status().dirtyBytes();
    }
  }

  private Client one;
  private Client two;

  @BeforeEach
  void start() throws Exception {
    raw.vdis().create(DISK, VdiSpec.ofSize((long) BLOCKS * BLOCK));
    one = new Client("one");
    two = new Client("two");
  }

  @AfterEach
  void stop() throws IOException {
    for (Client client : clients) {
      client.cluster.close();
    }
  }

  private static void write(Volume volume, int block, int value) throws IOException {
    byte[] bytes = new byte[BLOCK];
    Arrays.fill(bytes, (byte) value);
    volume.write((long) block * BLOCK, ByteBuffer.wrap(bytes));
  }

  private static int read(Volume volume, int block) throws SheepException {
    byte[] bytes = new byte[BLOCK];
    assertEquals(BLOCK, volume.read((long) block * BLOCK, ByteBuffer.wrap(bytes)));
    byte[] expected = new byte[BLOCK];
    Arrays.fill(expected, bytes[0]);
    assertArrayEquals(expected, bytes, "a torn block");
    return bytes[0];
  }

  private static byte[] readAll(Volume volume) throws SheepException {
    byte[] values = new byte[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
      values[i] = (byte) read(volume, i);
    }
    return values;
  }

  private byte[] stored() throws SheepException {
    try (Volume volume = Volume.open(raw, DISK, Access.READ_ONLY)) {
      return readAll(volume);
    }
  }

  /** Writes so that the blocks are allocated and known, and closes. */
  private void fill(Client client, int value) throws IOException {
    try (Volume volume = client.writer()) {
      for (int i = 0; i < BLOCKS; i++) {
        write(volume, i, value);
      }
    }
  }

  private static byte[] filled(int value) {
    byte[] values = new byte[BLOCKS];
    Arrays.fill(values, (byte) value);
    return values;
  }

  @Test
  void writersInTurn_alwaysSeeEachOther() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    byte[] model = new byte[BLOCKS];
    for (int turn = 1; turn <= 60; turn++) {
      Client client = random.nextBoolean() ? one : two;
      if (random.nextInt(8) == 0) {
        client.restart();
      }
      try (Volume volume = random.nextBoolean() ? client.writer() : client.reader()) {
        assertArrayEquals(model, readAll(volume), "seed " + seed + " turn " + turn);
        for (int i = 0; volume.isWritable() && i < 30; i++) {
          int block = random.nextInt(BLOCKS);
          write(volume, block, turn);
          model[block] = (byte) turn;
        }
      }
    }
    assertArrayEquals(model, stored());
    assertTrue(one.cluster.cache().status().hits() > 0);
  }

  @Test
  void reopen_nobodyWrote_staysCached() throws Exception {
    fill(one, 1);
    one.session.resetCalls();
    try (Volume volume = one.reader()) {
      assertArrayEquals(filled(1), readAll(volume));
    }
    one.restart();
    try (Volume volume = one.writer()) {
      assertArrayEquals(filled(1), readAll(volume));
    }
    assertEquals(0, one.cluster.cache().status().fetchedBytes());
  }

  @Test
  void writerWithoutCache_overCachedBlocks_seen() throws Exception {
    fill(one, 1);
    try (Volume volume = Volume.open(raw, DISK, Access.READ_WRITE)) {
      write(volume, 3, 9);
    }
    try (Volume volume = one.reader()) {
      assertEquals(9, read(volume, 3));
      assertEquals(1, read(volume, 4));
    }
  }

  @Test
  void reader_whileAnotherWrites_readsPastTheCache() throws Exception {
    fill(one, 1);
    try (Volume reader = two.reader()) {
      assertEquals(1, read(reader, 3));
      try (Volume writer = one.writer()) {
        write(writer, 3, 2);
        writer.flush();
        clock.addAndGet(Coherence.RECHECK.toNanos());
        assertEquals(2, read(reader, 3));
        write(writer, 3, 3);
        writer.flush();
        assertEquals(3, read(reader, 3), "no need to look again: it is read from the cluster");
        write(writer, 3, 4);
      }
      clock.addAndGet(Coherence.RECHECK.toNanos());
      assertEquals(4, read(reader, 3));
      long fetched = two.cluster.cache().status().fetchedBytes();
      assertEquals(4, read(reader, 3));
      assertEquals(fetched, two.cluster.cache().status().fetchedBytes(), "it is cached again");
    }
  }

  @Test
  void reader_thatReadsAllTheTime_asksAheadAndDoesNotWait() throws Exception {
    fill(one, 1);
    CountDownLatch answers = new CountDownLatch(1);
    Semaphore questions = new Semaphore(0);
    try (Volume reader = two.reader()) {
      assertEquals(1, read(reader, 3));
      two.session.setFault(
          call -> {
            if (call.operation() == Operation.LAST_WRITER) {
              questions.release();
              await(answers);
            }
          });
      clock.addAndGet(Coherence.AHEAD.toNanos() - 1);
      assertEquals(1, read(reader, 3));
      assertEquals(0, questions.availablePermits());
      clock.addAndGet(1);
      assertEquals(1, read(reader, 3));
      assertTrue(questions.tryAcquire(60, TimeUnit.SECONDS));
      assertEquals(1, read(reader, 3));
      assertEquals(0, questions.availablePermits(), "one question at a time");
    } finally {
      answers.countDown();
      two.session.setFault(Fault.none());
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertTrue(latch.await(60, TimeUnit.SECONDS));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void reader_clusterAway_readsWhatIsCached() throws Exception {
    fill(one, 1);
    try (Volume reader = one.reader()) {
      assertEquals(1, read(reader, 3));
      one.session.setFault(Fault.failing(call -> true, ResultCode.NETWORK_ERROR));
      assertThrows(SheepException.class, one::reader);
      for (int i = 0; i < 3; i++) {
        clock.addAndGet(Duration.ofSeconds(10).toNanos());
        assertArrayEquals(filled(1), readAll(reader));
      }
      one.session.setFault(Fault.none());
    }
  }

  @Test
  void writer_clusterAway_writesUntilItIsBack() throws Exception {
    fill(one, 1);
    try (Volume writer = one.writer()) {
      one.session.setFault(Fault.failing(call -> true, ResultCode.NETWORK_ERROR));
      write(writer, 3, 2);
      assertEquals(2, read(writer, 3));
      assertThrows(SheepException.class, writer::flush);
      assertThrows(SheepException.class, writer::flush);
      one.session.setFault(Fault.none());
      writer.flush();
      assertEquals(2, stored()[3]);
    }
  }

  @Test
  void leftovers_afterDeath_pushed() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    assertEquals(1, stored()[3]);
    one.restart();
    assertEquals(List.of(), one.cluster.pushLeftovers());
    assertEquals(0, one.dirtyBytes());
    assertEquals(2, stored()[3]);
    try (Volume reader = two.reader()) {
      assertEquals(2, read(reader, 3));
    }
  }

  /** Writes a block and ends without a flush. */
  private static void leaveDirty(Client client, int value) throws IOException {
    Volume volume = client.writer();
    write(volume, 3, value);
    volume.abandon();
    assertEquals(BLOCK, client.dirtyBytes());
  }

  @Test
  void leftovers_openedBeforeTheyArePushed_usedByTheWriter() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    one.restart();
    try (Volume reader = one.reader()) {
      assertEquals(2, read(reader, 3));
    }
    try (Volume writer = one.writer()) {
      assertEquals(2, read(writer, 3));
      write(writer, 4, 3);
    }
    byte[] stored = stored();
    assertEquals(2, stored[3]);
    assertEquals(3, stored[4]);
  }

  @Test
  void leftovers_anotherWroteMeanwhile_dropped() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    fill(two, 5);
    one.restart();
    assertEquals(List.of(), one.cluster.pushLeftovers());
    assertEquals(0, one.dirtyBytes());
    assertArrayEquals(filled(5), stored());
    try (Volume reader = one.reader()) {
      assertArrayEquals(filled(5), readAll(reader));
    }
  }

  @Test
  void leftovers_anotherIsWriting_waitAndAreDropped() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    one.restart();
    try (Volume writer = two.writer()) {
      assertEquals(List.of(DISK), one.cluster.pushLeftovers());
      write(writer, 3, 6);
      writer.flush();
      try (Volume reader = one.reader()) {
        assertEquals(6, read(reader, 3));
      }
    }
    assertEquals(List.of(), one.cluster.pushLeftovers());
    assertEquals(6, stored()[3]);
    assertEquals(0, one.dirtyBytes());
  }

  @Test
  void leftovers_snapshotMeanwhile_goToTheSuccessor() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    raw.vdis().snapshot(DISK, TAG);
    one.restart();
    assertEquals(List.of(), one.cluster.pushLeftovers());
    byte[] expected = filled(1);
    assertSnapshot(expected);
    expected[3] = 2;
    assertArrayEquals(expected, stored());
  }

  private void assertSnapshot(byte[] expected) throws SheepException {
    SnapshotSelector selector = SnapshotSelector.tag(TAG.value());
    try (Volume plain = Volume.open(raw, raw.vdis().lookup(DISK, selector))) {
      assertArrayEquals(expected, readAll(plain));
    }
    for (Client client : clients) {
      try (Volume cached =
          Volume.open(client.cluster, client.cluster.vdis().lookup(DISK, selector))) {
        assertArrayEquals(expected, readAll(cached), client.name);
      }
    }
  }

  @Test
  void deletedElsewhere_isForgotten() throws Exception {
    fill(one, 1);
    one.cluster.forgetDeleted();
    assertEquals(1, one.cluster.cache().vdis().size(), "it is there");
    raw.vdis().delete(DISK);
    one.session.setFault(Fault.failing(call -> true, ResultCode.NETWORK_ERROR));
    one.cluster.forgetDeleted();
    assertEquals(1, one.cluster.cache().vdis().size(), "nobody says that it is not");
    one.session.setFault(Fault.none());
    one.cluster.forgetDeleted();
    assertEquals(List.of(), one.cluster.cache().vdis());
    assertEquals(0, one.cluster.cache().status().validBytes());
  }

  @Test
  void deletedElsewhere_dirtyOrInUse_isLeftToItsWriter() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    one.restart();
    try (Volume writer = two.writer()) {
      write(writer, 0, 3);
      writer.flush();
      two.cluster.forgetDeleted();
      assertEquals(1, two.cluster.cache().vdis().size(), "held");
    }
    raw.vdis().delete(DISK);
    one.cluster.forgetDeleted();
    assertTrue(one.dirtyBytes() > 0, "the log has to tell that it is dropped");
  }

  @Test
  void leftovers_vdiDeletedMeanwhile_forgotten() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    raw.vdis().delete(DISK);
    one.restart();
    assertEquals(List.of(), one.cluster.pushLeftovers());
    assertEquals(0, one.dirtyBytes());
  }

  @Test
  void leftovers_vdiDeletedAndMadeAgain_dropped() throws Exception {
    fill(one, 1);
    leaveDirty(one, 2);
    raw.vdis().delete(DISK);
    raw.vdis().create(DISK, VdiSpec.ofSize((long) BLOCKS * BLOCK));
    one.restart();
    assertEquals(List.of(), one.cluster.pushLeftovers());
    assertArrayEquals(filled(0), stored());
    fill(two, 4);
    try (Volume reader = one.reader()) {
      assertArrayEquals(filled(4), readAll(reader));
    }
  }

  @Test
  void writer_snapshotsElsewhereAtRandom_loseNothing() throws Exception {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    byte[] model = new byte[BLOCKS];
    fill(one, 0);
    Volume volume = one.writer();
    for (int step = 1; step <= 400; step++) {
      int block = random.nextInt(BLOCKS);
      switch (random.nextInt(20)) {
        case 0 -> raw.vdis().snapshot(DISK, new SnapshotTag("at " + step));
        case 1 -> volume.flush();
        case 2 -> volume.snapshot(new SnapshotTag("own " + step));
        case 3 -> {
          volume.discard((long) block * BLOCK, BLOCK);
          model[block] = 0;
        }
        case 4 -> {
          volume.close();
          assertArrayEquals(model, stored(), "seed " + seed + " step " + step);
          volume = one.writer();
        }
        case 5 -> {
          volume.abandon();
          one.restart();
          volume = one.writer();
        }
        default -> {
          write(volume, block, step % 100 + 1);
          model[block] = (byte) (step % 100 + 1);
        }
      }
      assertEquals(model[block], read(volume, block), "seed " + seed + " step " + step);
    }
    assertArrayEquals(model, readAll(volume), "seed " + seed);
    volume.close();
    assertArrayEquals(model, stored(), "seed " + seed);
  }

  @Test
  void lockLost_othersWrote_nothingIsPushedOverIt() throws Exception {
    fill(one, 1);
    Volume writer = one.writer();
    write(writer, 3, 2);
    one.session.loseLocks();
    fill(two, 7);
    assertThrows(SheepException.class, () -> one.cluster.objects().flush(writer.info().vid()));
    assertThrows(SheepException.class, writer::close);
    assertArrayEquals(filled(7), stored());
    try (Volume reader = one.reader()) {
      assertArrayEquals(filled(7), readAll(reader));
    }
    assertEquals(0, one.dirtyBytes());
  }

  @Test
  void cloneOfSnapshot_readThroughTheCache_right() throws Exception {
    fill(one, 1);
    try (Volume reader = two.reader()) {
      assertArrayEquals(filled(1), readAll(reader));
    }
    try (Volume volume = one.writer()) {
      write(volume, 5, 2);
      volume.snapshot(TAG);
      write(volume, 5, 3);
    }
    raw.vdis()
        .cloneSnapshot(raw.vdis().lookup(DISK, SnapshotSelector.tag(TAG.value())).vid(), CLONE);
    byte[] expected = filled(1);
    expected[5] = 2;
    assertSnapshot(expected);
    for (Client client : clients) {
      try (Volume clone = Volume.open(client.cluster, CLONE, Access.READ_WRITE)) {
        byte[] now = readAll(clone);
        assertEquals(clients.indexOf(client) == 0 ? 2 : 9, now[5]);
        write(clone, 5, 9);
      }
    }
    assertSnapshot(expected);
  }

  @Test
  void delete_ofCachedVdi_forgetsAll() throws Exception {
    fill(one, 1);
    one.cluster.vdis().delete(DISK);
    assertEquals(List.of(), one.cluster.cache().vdis());
    one.cluster.vdis().create(DISK, VdiSpec.ofSize((long) BLOCKS * BLOCK));
    try (Volume reader = one.reader()) {
      assertArrayEquals(filled(0), readAll(reader));
    }
  }

  @Test
  void write_knownBlocks_asksTheClusterNothing() throws Exception {
    fill(one, 1);
    try (Volume volume = one.writer()) {
      one.session.resetCalls();
      write(volume, 7, 2);
      assertEquals(2, read(volume, 7));
      assertEquals(0, one.session.calls());
      volume.flush();
      assertEquals(1, one.session.calls(Operation.WRITE));
      assertEquals(1, one.session.calls(Operation.FLUSH));
    }
  }

  @Test
  void lookupOfAnotherVdi_readerOfCachedBlocks_asksTheClusterNothing() throws Exception {
    fill(one, 1);
    raw.vdis().create(CLONE, VdiSpec.ofSize((long) BLOCKS * BLOCK));
    raw.vdis().snapshot(CLONE, TAG);
    one.cluster.vdis().list();
    one.cluster.vdis().lookup(CLONE);
    try (Volume reader = one.reader()) {
      assertEquals(1, read(reader, 7));
      one.cluster.vdis().lookup(CLONE);
      one.cluster.vdis().lookup(CLONE, SnapshotSelector.tag(TAG.value()));
      one.cluster.vdis().list();
      one.session.resetCalls();
      assertEquals(1, read(reader, 7));
      assertEquals(0, one.session.calls());
    }
  }

  @Test
  void snapshotFromList_writtenSinceWeLooked_right() throws Exception {
    fill(one, 1);
    try (Volume reader = two.reader()) {
      assertArrayEquals(filled(1), readAll(reader));
      try (Volume volume = Volume.open(raw, DISK, Access.READ_WRITE)) {
        write(volume, 5, 2);
        volume.snapshot(TAG);
        write(volume, 6, 3);
        volume.snapshot(new SnapshotTag("later"));
      }
      VdiInfo last = two.cluster.vdis().list().get(0);
      for (VdiInfo vdi : two.cluster.vdis().list()) {
        last = vdi.isSnapshot() && vdi.snapshotId() > last.snapshotId() ? vdi : last;
      }
      try (Volume snapshot = Volume.open(two.cluster, last)) {
        byte[] expected = filled(1);
        expected[5] = 2;
        expected[6] = 3;
        assertArrayEquals(expected, readAll(snapshot));
      }
    }
  }
}
