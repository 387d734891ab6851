package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.WriterMark;
import io.sheepfs.store.vdi.VdiLocks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A writer whose lease ended, while its connections live on. */
@Timeout(120)
final class LeaseTest {

  private static final VdiName NAME = new VdiName("disk");

  private final ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
  private final VdiLocks locks = store.sheep().vdiStore().locks();
  private Cluster writer;
  private Cluster other;
  private VdiId vid;
  private VdiLock lock;

  LeaseTest() throws IOException {}

  @BeforeEach
  void lock() throws IOException {
    writer = store.connect();
    other = store.connect();
    vid = writer.vdis().create(NAME, VdiSpec.ofSize(64 << 20)).vid();
    lock = writer.vdis().lock(NAME);
    write(writer, vid);
  }

  @AfterEach
  void close() throws IOException {
    writer.close();
    other.close();
    store.close();
  }

  private static void write(Cluster cluster, VdiId to) throws SheepException {
    ByteBuffer block = ByteBuffer.allocate(4096);
    cluster.objects().create(ObjectId.data(to, 0), 0, block, Durability.UNSTABLE);
  }

  /** Ends the lease as if its connection had broken, of which its holder knows nothing yet. */
  private void endLease() {
    locks.releaseAll(Objects.requireNonNull(locks.holder(vid)).owner());
  }

  @Test
  void write_afterSomebodyElseTookTheLock_isRefusedAndLockIsLost() throws Exception {
    endLease();
    try (VdiLock taken = other.vdis().lock(NAME)) {
      SheepException refused = assertThrows(SheepException.class, () -> write(writer, vid));
      assertEquals(ResultCode.VDI_NOT_LOCKED, refused.result());
      assertFalse(lock.isHeld());
      write(other, vid);
      assertTrue(taken.isHeld());
    }
  }

  @Test
  void write_afterLeaseEndedAndNobodyTookIt_goesOnUnderAnother() throws Exception {
    int before = Objects.requireNonNull(locks.holder(vid)).generation();
    endLease();
    write(writer, vid);
    assertTrue(lock.isHeld());
    assertNotEquals(before, Objects.requireNonNull(locks.holder(vid)).generation());
  }

  @Test
  void write_afterSnapshot_goesOnUnderTheSameLease() throws Exception {
    int before = Objects.requireNonNull(locks.holder(vid)).generation();
    VdiId successor = writer.vdis().snapshot(NAME, new SnapshotTag("one")).vid();
    write(writer, successor);
    assertEquals(before, Objects.requireNonNull(locks.holder(successor)).generation());
    SheepException frozen = assertThrows(SheepException.class, () -> write(writer, vid));
    assertEquals(ResultCode.READONLY, frozen.result(), "so that the writer follows");
  }

  /** As a writer with a cache does. */
  private void leaveMark() throws SheepException {
    UUID token = UUID.randomUUID();
    lock.close();
    writer.vdis().lock(NAME, (vdi, last) -> token).close();
    WriterMark mark = other.vdis().lastWriter(NAME);
    assertEquals(new WriterMark(token, false), mark);
  }

  @Test
  void write_withoutLease_isTakenAndTheMarkOfTheLastWriterGoes() throws Exception {
    for (int round = 0; round < 2; round++) {
      leaveMark();
      write(other, vid);
      assertNull(other.vdis().lastWriter(NAME));
      write(other, vid);
    }
  }

  @Test
  void write_withoutLeaseWhileAWriterIsMarked_markStaysAway() throws Exception {
    lock.close();
    VdiLock marked = writer.vdis().lock(NAME, (vdi, last) -> UUID.randomUUID());
    write(writer, vid);
    assertNotNull(other.vdis().lastWriter(NAME));
    write(other, vid);
    marked.close();
    assertNull(other.vdis().lastWriter(NAME));
  }

  /** The way to its old connection may be cut, so that the sheep does not see that it has ended. */
  @Test
  void lock_ofTheSameHolderOverAnotherConnection_takesTheLeaseOver() throws Exception {
    lock.close();
    Object before = new Object();
    Object after = new Object();
    VdiLocks.Lock earlier = locks.acquire(vid, before, true, 7);
    VdiLocks.Lock change = Objects.requireNonNull(locks.enter(vid, earlier.generation()));
    VdiLocks.Lock later = locks.acquire(vid, after, true, 7);
    assertNull(locks.enter(vid, earlier.generation()), "it comes too late");
    assertThrows(SheepException.class, () -> locks.acquire(vid, new Object(), true, 8));
    assertThrows(SheepException.class, () -> locks.acquire(vid, new Object(), true));
    locks.leave(change);
    assertTrue(locks.awaitEnd(vid));
    locks.releaseAll(before);
    assertTrue(locks.isHeld(later));
    locks.leave(Objects.requireNonNull(locks.enter(vid, later.generation())));
    locks.releaseAll(after);
    assertNull(locks.holder(vid));
  }

  @Test
  void lock_whileAChangeOfTheOldHolderIsUnderWay_waits() throws Exception {
    int generation = Objects.requireNonNull(locks.holder(vid)).generation();
    VdiLocks.Lock change = Objects.requireNonNull(locks.enter(vid, generation));
    endLease();
    assertNull(locks.enter(vid, generation));
    Object somebody = new Object();
    SheepException early =
        assertThrows(SheepException.class, () -> locks.acquire(vid, somebody, true));
    assertEquals(ResultCode.VDI_LOCKED, early.result());
    boolean[] ended = new boolean[1];
    Thread waiting =
        new Thread(
            () -> {
              locks.awaitEnd(vid);
              ended[0] = true;
            });
    waiting.start();
    while (waiting.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    assertFalse(ended[0]);
    locks.leave(change);
    waiting.join(TimeUnit.SECONDS.toMillis(60));
    assertTrue(ended[0]);
    locks.release(locks.acquire(vid, somebody, true));
  }
}
