package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every {@link VdiDirectory} must do with the marks of writers. */
public abstract class WriterMarkContract extends ClusterContract {

  private static final VdiName DISK = new VdiName("marked disk");

  /** A client with a cache: notes what it is told, and leaves the tokens it made. */
  private static final class Cacher implements WriterHandover {
    final List<@Nullable WriterMark> seen = new ArrayList<>();
    UUID token = UUID.randomUUID();

    @Override
    public UUID take(VdiInfo vdi, @Nullable WriterMark last) {
      assertEquals(DISK, vdi.name());
      seen.add(last);
      token = UUID.randomUUID();
      return token;
    }
  }

  /** Whether the client under test has a cache, and leaves marks by itself. */
  protected boolean leavesMarks() {
    return false;
  }

  @Test
  void lastWriter_nobodyWithCache_null() throws Exception {
    assertNull(vdis().lastWriter(DISK));
    createVdi(DISK.value(), 1 << 20);
    vdis().lock(DISK).close();
    assertEquals(leavesMarks(), vdis().lastWriter(DISK) != null);
  }

  @Test
  void lockWithCache_openUntilClosed_seenByAll() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    Cluster other = otherClient();
    Cacher cacher = new Cacher();
    try (VdiLock lock = vdis().lock(DISK, cacher)) {
      assertEquals(1, cacher.seen.size());
      assertNull(cacher.seen.get(0));
      assertEquals(new WriterMark(cacher.token, true), vdis().lastWriter(DISK));
      assertEquals(new WriterMark(cacher.token, true), other.vdis().lastWriter(DISK));
      assertEquals(DISK, lock.vdi().name());
    }
    assertEquals(new WriterMark(cacher.token, false), other.vdis().lastWriter(DISK));
    reopen();
    assertEquals(new WriterMark(cacher.token, false), vdis().lastWriter(DISK));
  }

  @Test
  void lockInTurn_eachIsToldOfTheLast() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    Cluster other = otherClient();
    Cacher mine = new Cacher();
    Cacher theirs = new Cacher();
    vdis().lock(DISK, mine).close();
    UUID first = mine.token;
    other.vdis().lock(DISK, theirs).close();
    assertEquals(new WriterMark(first, false), theirs.seen.get(0));
    vdis().lock(DISK, mine).close();
    assertEquals(new WriterMark(theirs.token, false), mine.seen.get(1));
  }

  @Test
  void lockWithoutCache_overAMark_leavesAnotherToken() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    Cacher cacher = new Cacher();
    vdis().lock(DISK, cacher).close();
    try (VdiLock lock = vdis().lock(DISK)) {
      WriterMark during = Objects.requireNonNull(vdis().lastWriter(DISK));
      assertNotEquals(cacher.token, during.token());
      assertEquals(new WriterMark(during.token(), true), during);
      assertEquals(DISK, lock.vdi().name());
    }
    WriterMark after = Objects.requireNonNull(vdis().lastWriter(DISK));
    assertNotEquals(cacher.token, after.token());
    assertEquals(new WriterMark(after.token(), false), after);
  }

  @Test
  void lock_handoverFails_passedOnAndFreeAgain() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    SheepException failure = new SheepException(ResultCode.NO_MEM, "no");
    WriterHandover failing =
        (vdi, last) -> {
          throw failure;
        };
    assertSame(
        failure, assertThrows(SheepException.class, () -> vdis().lock(DISK, failing).close()));
    assertNull(vdis().lastWriter(DISK));
    vdis().lock(DISK, new Cacher()).close();
  }

  @Test
  void lockTaken_handoverNotCalled() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    Cluster other = otherClient();
    Cacher cacher = new Cacher();
    try (VdiLock lock = other.vdis().lock(DISK)) {
      assertFails(ResultCode.VDI_LOCKED, () -> vdis().lock(DISK, cacher));
      assertEquals(DISK, lock.vdi().name());
    }
    assertEquals(List.of(), cacher.seen);
  }

  @Test
  void mark_afterSnapshot_staysWithTheName() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    Cacher cacher = new Cacher();
    try (VdiLock lock = vdis().lock(DISK, cacher)) {
      vdis().snapshot(DISK, new SnapshotTag("one"));
      assertEquals(new WriterMark(cacher.token, true), vdis().lastWriter(DISK));
      assertNotNull(lock.vdi());
    }
    assertEquals(new WriterMark(cacher.token, false), vdis().lastWriter(DISK));
  }

  @Test
  void mark_vdiDeletedAndMadeAgain_gone() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    vdis().lock(DISK, new Cacher()).close();
    vdis().delete(DISK);
    assertNull(vdis().lastWriter(DISK));
    createVdi(DISK.value(), 1 << 20);
    Cacher cacher = new Cacher();
    try (VdiLock lock = vdis().lock(DISK, cacher)) {
      assertNull(cacher.seen.get(0));
      vdis().delete(DISK);
      assertNotNull(lock.vdi());
    }
    assertNull(vdis().lastWriter(DISK));
  }

  @Test
  void mark_writerDied_staysOpen() throws Exception {
    createVdi(DISK.value(), 1 << 20);
    Cluster other = otherClient();
    Cacher cacher = new Cacher();
    VdiLock theirs = other.vdis().lock(DISK, cacher);
    other.close();
    assertEquals(new WriterMark(cacher.token, true), vdis().lastWriter(DISK));
    assertNotNull(theirs.vdi());
  }
}
