package io.sheepfs.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.MemoryCluster.Call;
import io.sheepfs.protocol.MemoryCluster.Fault;
import io.sheepfs.protocol.MemoryCluster.Operation;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.OutcomeUnknownException;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

final class VolumeTest {

  private static final int OBJECT_BYTES = 1 << 20;
  private static final long SIZE = 4L * OBJECT_BYTES;
  private static final VdiName NAME = new VdiName("disk");
  private static final SnapshotTag TAG = new SnapshotTag("s");

  private final MemoryCluster base = new MemoryCluster(20);
  private final MemoryCluster session = base.newSession();
  private final Volume volume;

  VolumeTest() throws SheepException {
    base.vdis().create(NAME, VdiSpec.ofSize(SIZE));
    volume = Volume.open(session, NAME, Access.READ_WRITE);
    session.resetCalls();
  }

  private static byte[] bytes(int length, int fill) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) fill);
    return bytes;
  }

  private static ByteBuffer filled(int length, int fill) {
    return ByteBuffer.wrap(bytes(length, fill));
  }

  private static byte[] read(Volume volume, long offset, int length) throws SheepException {
    ByteBuffer dst = ByteBuffer.allocate(length);
    int count = volume.read(offset, dst);
    assertEquals(count, dst.position());
    return Arrays.copyOf(dst.array(), count);
  }

  private static void assertFails(ResultCode expected, Executable call) {
    assertEquals(expected, assertThrows(SheepException.class, call).result());
  }

  private VdiId vid() {
    return volume.info().vid();
  }

  private int entry(int index) {
    return base.indexEntries(vid(), index, index + 1)[0];
  }

  private Volume openSnapshot() throws SheepException {
    return Volume.open(base, base.vdis().lookup(NAME, SnapshotSelector.tag("s")));
  }

  @Test
  void read_hole_noCalls() throws Exception {
    for (ByteBuffer dst :
        List.of(ByteBuffer.allocate(3 * OBJECT_BYTES), ByteBuffer.allocateDirect(200_000))) {
      while (dst.hasRemaining()) {
        dst.put((byte) 1);
      }
      dst.clear();
      assertEquals(dst.capacity(), volume.read(10, dst));
      assertEquals(dst, ByteBuffer.allocate(dst.capacity()).position(dst.capacity()));
      dst.flip();
      assertEquals(ByteBuffer.allocate(dst.capacity()), dst);
    }
    assertEquals(0, session.calls());
  }

  @Test
  void read_atTheEnd_shortAndThenNothing() throws Exception {
    volume.write(SIZE - 10, filled(10, 1));
    ByteBuffer dst = ByteBuffer.allocate(100);
    assertEquals(5, volume.read(SIZE - 5, dst));
    assertEquals(5, dst.position());
    assertEquals(100, dst.limit());
    assertEquals(0, volume.read(SIZE, dst));
    assertEquals(0, volume.read(Long.MAX_VALUE, dst));
    assertThrows(IllegalArgumentException.class, () -> volume.read(-1, dst));
  }

  @Test
  void write_intoHole_objectBeforeIndex() throws Exception {
    List<Call> calls = new ArrayList<>();
    session.setFault(calls::add);
    volume.write(OBJECT_BYTES + 7, filled(10, 1));
    assertEquals(2, calls.size());
    assertEquals(Operation.CREATE, calls.get(0).operation());
    assertEquals(ObjectId.data(vid(), 1), calls.get(0).oid());
    assertEquals(Operation.WRITE, calls.get(1).operation());
    assertEquals(ObjectId.inode(vid()), calls.get(1).oid());
    assertEquals(vid().value(), entry(1));
    assertEquals(OBJECT_BYTES, volume.allocatedBytes());
  }

  @Test
  void readAndWrite_ofOwnObject_oneCallEach() throws Exception {
    volume.write(0, filled(10, 1));
    session.resetCalls();
    volume.write(5, filled(10, 2));
    assertEquals(1, session.calls());
    assertArrayEquals(bytes(5, 1), read(volume, 0, 5));
    assertArrayEquals(bytes(10, 2), read(volume, 5, 10));
    assertEquals(3, session.calls());
  }

  @Test
  void write_acrossObjects_splitWithoutTouchingTheLimit() throws Exception {
    ByteBuffer src = ByteBuffer.allocateDirect(3 * OBJECT_BYTES);
    src.put(filled(3 * OBJECT_BYTES, 7)).position(100).limit(100 + 2 * OBJECT_BYTES);
    volume.write(OBJECT_BYTES - 50, src);
    assertEquals(100 + 2 * OBJECT_BYTES, src.position());
    assertEquals(100 + 2 * OBJECT_BYTES, src.limit());
    assertEquals(3L * OBJECT_BYTES, volume.allocatedBytes());
    assertArrayEquals(
        bytes(2 * OBJECT_BYTES, 7), read(volume, OBJECT_BYTES - 50, 2 * OBJECT_BYTES));
    assertArrayEquals(new byte[50], read(volume, OBJECT_BYTES - 100, 50));
  }

  @Test
  void write_ofNothing_noCallAndNoGrowth() throws Exception {
    volume.write(SIZE + 10, ByteBuffer.allocate(0));
    assertEquals(SIZE, volume.sizeBytes());
    assertEquals(0, session.calls());
  }

  @Test
  void write_pastTheEnd_growsWithAHoleBetween() throws Exception {
    volume.write(3 * SIZE, filled(10, 1));
    assertEquals(3 * SIZE + 10, volume.sizeBytes());
    assertEquals(3 * SIZE + 10, volume.info().sizeBytes());
    assertEquals(3 * SIZE + 10, base.vdis().lookup(NAME).sizeBytes());
    assertEquals(OBJECT_BYTES, volume.allocatedBytes());
    assertArrayEquals(new byte[100], read(volume, SIZE - 50, 100));
  }

  @Test
  void growth_beyondTheLimit_sizeLimitAndNothingChanged() throws Exception {
    long max = VdiSpec.maxSizeBytes(20);
    assertThrows(SizeLimitException.class, () -> volume.write(max - 1, filled(2, 1)));
    assertThrows(SizeLimitException.class, () -> volume.write(Long.MAX_VALUE, filled(2, 1)));
    assertThrows(SizeLimitException.class, () -> volume.resize(max + 1));
    assertThrows(SizeLimitException.class, () -> volume.ensureSize(Long.MAX_VALUE));
    assertThrows(SizeLimitException.class, () -> volume.zero(max, 1));
    assertEquals(0, session.calls());
    assertEquals(SIZE, volume.sizeBytes());
    volume.write(max - 1, filled(1, 1));
    assertEquals(max, volume.sizeBytes());
    volume.resize(max);
  }

  @Test
  void ensureSize_smaller_nothingHappens() throws Exception {
    volume.ensureSize(5);
    assertEquals(SIZE, volume.sizeBytes());
    volume.ensureSize(SIZE + 5);
    assertEquals(SIZE + 5, base.vdis().lookup(NAME).sizeBytes());
  }

  @Test
  void discard_manyObjects_oneIndexWrite() throws Exception {
    volume.write(0, filled((int) SIZE, 1));
    session.resetCalls();
    volume.discard(OBJECT_BYTES - 10, SIZE);
    assertEquals(1, session.calls(Operation.WRITE));
    assertEquals(1, session.calls(Operation.DISCARD));
    assertEquals(Set.of(ObjectId.data(vid(), 0)), base.dataObjects());
    assertEquals(OBJECT_BYTES, volume.allocatedBytes());
    assertArrayEquals(bytes(10, 1), read(volume, OBJECT_BYTES - 20, 10));
    assertArrayEquals(new byte[20], read(volume, OBJECT_BYTES - 10, 20));
    volume.discard(SIZE - 10, Long.MAX_VALUE);
    volume.discard(SIZE, 10);
    assertEquals(SIZE, volume.sizeBytes());
  }

  @Test
  void discard_lastObjectUpToTheEnd_freed() throws Exception {
    volume.write(SIZE, filled(100, 1));
    volume.discard(SIZE, 100);
    assertEquals(Set.of(), base.dataObjects());
  }

  @Test
  void discard_hole_changesNothing() throws Exception {
    volume.discard(5, SIZE);
    assertEquals(0, session.calls(Operation.WRITE));
    assertEquals(0, session.calls(Operation.DISCARD));
  }

  @Test
  void discard_partOfSharedObject_copiedAndSnapshotKept() throws Exception {
    volume.write(0, filled(OBJECT_BYTES, 1));
    volume.snapshot(TAG);
    volume.discard(10, 10);
    assertArrayEquals(new byte[10], read(volume, 10, 10));
    assertArrayEquals(bytes(100, 1), read(volume, 20, 100));
    assertArrayEquals(bytes(100, 1), read(openSnapshot(), 0, 100));
    volume.discard(0, SIZE);
    assertEquals(0, volume.allocatedBytes());
    assertArrayEquals(bytes(100, 1), read(openSnapshot(), 0, 100));
  }

  @Test
  void resize_downAndUp_zerosAndObjectsFreed() throws Exception {
    volume.write(0, filled((int) SIZE, 1));
    volume.resize(OBJECT_BYTES + 100);
    assertEquals(2, base.dataObjects().size());
    assertEquals(OBJECT_BYTES + 100, base.vdis().lookup(NAME).sizeBytes());
    volume.resize(SIZE);
    assertArrayEquals(bytes(100, 1), read(volume, OBJECT_BYTES, 100));
    assertArrayEquals(
        new byte[OBJECT_BYTES - 100], read(volume, OBJECT_BYTES + 100, OBJECT_BYTES - 100));
    assertEquals(2, base.dataObjects().size());
  }

  @Test
  void growth_overWhatACrashLeft_zeros() throws Exception {
    volume.resize(100);
    volume.write(0, filled(100, 1));
    volume.flush();
    VdiId vid = vid();
    volume.close();
    base.objects().write(ObjectId.data(vid, 0), 50, filled(5000, 2), Durability.UNSTABLE);
    base.objects().create(ObjectId.data(vid, 2), 0, filled(5000, 3), Durability.UNSTABLE);
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    base.objects()
        .write(
            ObjectId.inode(vid), 4664 + 2 * 4, entry.putInt(0, vid.value()), Durability.UNSTABLE);
    Volume again = Volume.open(session, NAME, Access.READ_WRITE);
    again.write(2 * OBJECT_BYTES + 10, filled(10, 4));
    assertArrayEquals(bytes(50, 2), read(again, 50, 50));
    assertArrayEquals(new byte[5000], read(again, 100, 5000));
    assertArrayEquals(new byte[10], read(again, 2 * OBJECT_BYTES, 10));
    assertArrayEquals(bytes(10, 4), read(again, 2 * OBJECT_BYTES + 10, 10));
  }

  @Test
  void nextDataAndHole_ofSparseVolume_objectGranularity() throws Exception {
    volume.write(OBJECT_BYTES + 5, filled(1, 1));
    volume.write(3L * OBJECT_BYTES, filled(1, 1));
    assertEquals(OBJECT_BYTES, volume.nextData(0));
    assertEquals(OBJECT_BYTES + 9, volume.nextData(OBJECT_BYTES + 9));
    assertEquals(3L * OBJECT_BYTES, volume.nextData(2L * OBJECT_BYTES + 1));
    assertEquals(7, volume.nextHole(7));
    assertEquals(2L * OBJECT_BYTES, volume.nextHole(OBJECT_BYTES));
    assertEquals(SIZE, volume.nextHole(3L * OBJECT_BYTES + 7));
    assertEquals(-1, volume.nextData(SIZE));
    assertEquals(-1, volume.nextHole(SIZE));
    volume.discard(3L * OBJECT_BYTES, OBJECT_BYTES);
    assertEquals(-1, volume.nextData(2L * OBJECT_BYTES));
    volume.resize(1L << 40);
    assertEquals(-1, volume.nextData(2L * OBJECT_BYTES));
    assertEquals(1L << 30, volume.nextHole(1L << 30));
  }

  @Test
  void missingObject_readOrWritten_eioNotZeros() throws Exception {
    volume.write(0, filled(10, 1));
    base.objects().remove(ObjectId.data(vid(), 0));
    assertFails(ResultCode.EIO, () -> read(volume, 0, 10));
    assertFails(ResultCode.EIO, () -> volume.write(0, filled(1, 1)));
    assertFalse(base.dataObjects().contains(ObjectId.data(vid(), 0)));
  }

  @Test
  void missingSharedObject_written_eio() throws Exception {
    volume.write(0, filled(10, 1));
    VdiId parent = vid();
    volume.snapshot(TAG);
    base.objects().remove(ObjectId.data(parent, 0));
    assertFails(ResultCode.EIO, () -> volume.write(0, filled(1, 1)));
  }

  @Test
  void indexWrite_answerLost_entryAskedForAgain() throws Exception {
    session.setFault(Fault.losingAnswers(call -> call.number() == 2));
    assertInstanceOf(
        OutcomeUnknownException.class,
        assertThrows(SheepException.class, () -> volume.write(0, filled(10, 1))));
    session.setFault(Fault.none());
    assertTrue(volume.isDirty());
    assertArrayEquals(bytes(10, 1), read(volume, 0, 10));
    volume.discard(0, OBJECT_BYTES);
    assertEquals(0, entry(0));
    assertEquals(Set.of(), base.dataObjects());
  }

  @Test
  void snapshot_ofOpenVolume_goesOnWithTheSuccessor() throws Exception {
    volume.write(0, filled(10, 1));
    VdiId before = vid();
    volume.snapshot(TAG);
    assertNotEquals(before, vid());
    assertFalse(volume.isDirty());
    assertEquals(2, volume.info().snapshotId());
    volume.write(0, filled(5, 2));
    assertArrayEquals(bytes(5, 2), read(volume, 0, 5));
    assertArrayEquals(bytes(5, 1), read(volume, 5, 5));
    assertArrayEquals(bytes(10, 1), read(openSnapshot(), 0, 10));
    assertFails(ResultCode.VDI_EXIST, () -> volume.snapshot(TAG));
    volume.write(0, filled(5, 3));
  }

  @Test
  void snapshotElsewhere_thenWrite_followedAndSnapshotKept() throws Exception {
    volume.write(0, filled(10, 1));
    base.vdis().snapshot(NAME, TAG);
    base.vdis().snapshot(NAME, new SnapshotTag("t"));
    volume.write(5, filled(5, 2));
    assertEquals(base.vdis().lookup(NAME).vid(), vid());
    assertArrayEquals(bytes(5, 1), read(volume, 0, 5));
    assertArrayEquals(bytes(5, 2), read(volume, 5, 5));
    assertArrayEquals(bytes(10, 1), read(openSnapshot(), 0, 10));
    assertEquals(vid().value(), entry(0));
  }

  @Test
  void snapshotElsewhere_thenDiscardOrResize_snapshotKept() throws Exception {
    volume.write(0, filled((int) SIZE, 1));
    base.vdis().snapshot(NAME, TAG);
    volume.discard(0, 2L * OBJECT_BYTES);
    base.vdis().snapshot(NAME, new SnapshotTag("t"));
    volume.resize(10);
    assertEquals(10, base.vdis().lookup(NAME).sizeBytes());
    Volume snapshot = openSnapshot();
    assertEquals(SIZE, snapshot.sizeBytes());
    assertArrayEquals(bytes((int) SIZE, 1), read(snapshot, 0, (int) SIZE));
  }

  @Test
  void snapshotElsewhere_betweenObjectAndIndex_writeIsInTheSuccessor() throws Exception {
    session.setFault(
        new Fault() {
          @Override
          public void before(Call call) {}

          @Override
          public void after(Call call) throws SheepException {
            if (call.operation() == Operation.CREATE) {
              base.vdis().snapshot(NAME, TAG);
            }
          }
        });
    volume.write(0, filled(10, 1));
    volume.flush();
    session.setFault(Fault.none());
    session.close();
    Volume again = Volume.open(base, NAME, Access.READ_WRITE);
    assertArrayEquals(bytes(10, 1), read(again, 0, 10));
  }

  @Test
  void flush_asksForSnapshotsOnlyAfterTheInodeWasWritten() throws Exception {
    volume.write(0, filled(10, 1));
    volume.flush();
    session.resetCalls();
    volume.write(0, filled(10, 2));
    volume.flush();
    assertEquals(0, session.calls(Operation.READ));
    volume.write(OBJECT_BYTES, filled(10, 3)); // names an object in the index
    volume.flush();
    assertEquals(1, session.calls(Operation.READ));
  }

  @Test
  void snapshotElsewhere_againWhileFollowing_followedAgain() throws Exception {
    volume.write(0, filled(10, 1));
    int[] taken = {0};
    session.setFault(
        new Fault() {
          @Override
          public void before(Call call) {}

          @Override
          public void after(Call call) throws SheepException {
            if (call.operation() == Operation.LOOKUP && taken[0] < 3) {
              base.vdis().snapshot(NAME, new SnapshotTag("t" + taken[0]++));
            }
          }
        });
    base.vdis().snapshot(NAME, TAG);
    volume.write(0, filled(5, 2));
    assertEquals(3, taken[0]);
    assertArrayEquals(bytes(5, 2), read(volume, 0, 5));
    assertArrayEquals(bytes(10, 1), read(openSnapshot(), 0, 10));
  }

  @Test
  void readOnly_anyChange_refused() throws Exception {
    Volume reader = Volume.open(base, NAME, Access.READ_ONLY);
    assertFalse(reader.isWritable());
    assertFails(ResultCode.READONLY, () -> reader.write(0, filled(1, 1)));
    assertFails(ResultCode.READONLY, () -> reader.resize(1));
    assertFails(ResultCode.READONLY, () -> reader.discard(0, 1));
    assertFalse(reader.isDirty());
    reader.flush();
    reader.close();
  }

  @Test
  void readOnly_othersWrite_seenAfterRefresh() throws Exception {
    Volume reader = Volume.open(base, NAME, Access.READ_ONLY);
    volume.write(0, filled(10, 1));
    assertArrayEquals(new byte[10], read(reader, 0, 10));
    reader.refresh();
    assertArrayEquals(bytes(10, 1), read(reader, 0, 10));
    volume.discard(0, OBJECT_BYTES);
    assertArrayEquals(new byte[10], read(reader, 0, 10));
    volume.snapshot(TAG);
    volume.resize(5);
    reader.refresh();
    assertEquals(volume.info(), reader.info());
  }

  @Test
  void open_twiceForWriting_locked() throws Exception {
    assertFails(ResultCode.VDI_LOCKED, () -> Volume.open(base, NAME, Access.READ_WRITE));
    volume.close();
    assertFails(ResultCode.VDI_NOT_LOCKED, () -> volume.write(0, filled(1, 1)));
    assertFails(ResultCode.VDI_NOT_LOCKED, () -> read(volume, 0, 1));
    volume.close();
    Volume.open(base, NAME, Access.READ_WRITE).close();
    assertFails(ResultCode.NO_VDI, () -> Volume.open(base, new VdiName("no"), Access.READ_WRITE));
  }

  @Test
  void open_failsAfterLocking_lockFreed() throws Exception {
    volume.close();
    session.setFault(Fault.failing(call -> call.operation() == Operation.READ, ResultCode.EIO));
    assertFails(ResultCode.EIO, () -> Volume.open(session, NAME, Access.READ_WRITE));
    Volume.open(base, NAME, Access.READ_WRITE).close();
  }

  @Test
  void openSnapshot_workingVdi_refused() throws Exception {
    VdiInfo working = base.vdis().lookup(NAME);
    assertThrows(IllegalArgumentException.class, () -> Volume.open(base, working));
    volume.snapshot(TAG);
    Volume snapshot = openSnapshot();
    assertFails(ResultCode.READONLY, snapshot::becomeWritable);
    assertFails(ResultCode.READONLY, () -> snapshot.write(0, filled(1, 1)));
  }

  @Test
  void becomeWritable_andBack_lockTakenAndFreed() throws Exception {
    volume.write(0, filled(10, 1));
    volume.becomeReadOnly();
    assertFalse(volume.isDirty());
    assertFails(ResultCode.READONLY, () -> volume.write(0, filled(1, 1)));
    Volume other = Volume.open(base, NAME, Access.READ_WRITE);
    assertFails(ResultCode.VDI_LOCKED, volume::becomeWritable);
    other.write(0, filled(10, 2));
    other.resize(20);
    other.close();
    volume.becomeWritable();
    volume.becomeWritable();
    assertEquals(20, volume.sizeBytes());
    volume.write(5, filled(5, 3));
    assertArrayEquals(bytes(5, 2), read(volume, 0, 5));
  }

  @Test
  void lockLost_unflushedWrites_allFailsUntilAbandoned() throws Exception {
    volume.write(0, filled(10, 1));
    session.loseLocks();
    assertFails(ResultCode.VDI_NOT_LOCKED, () -> volume.write(0, filled(1, 1)));
    assertFails(ResultCode.VDI_NOT_LOCKED, () -> volume.discard(0, 1));
    assertFails(ResultCode.VDI_NOT_LOCKED, volume::flush);
    assertFails(ResultCode.VDI_NOT_LOCKED, volume::becomeWritable);
    assertFails(ResultCode.VDI_NOT_LOCKED, volume::becomeReadOnly);
    assertTrue(volume.isDirty());
    assertEquals(0, session.calls(Operation.FLUSH));
    assertFails(ResultCode.VDI_NOT_LOCKED, volume::close);
    volume.close();
  }

  @Test
  void lockLost_nothingUnflushed_canBeTakenAgain() throws Exception {
    volume.write(0, filled(10, 1));
    volume.flush();
    session.loseLocks();
    volume.becomeWritable();
    volume.write(0, filled(10, 2));
    volume.close();
  }

  @Test
  void flush_fails_dirtyUntilItSucceeds() throws Exception {
    assertFalse(volume.isDirty());
    volume.write(0, filled(10, 1));
    assertTrue(volume.isDirty());
    session.setFault(Fault.failing(call -> call.operation() == Operation.FLUSH, ResultCode.EIO));
    assertFails(ResultCode.EIO, volume::flush);
    assertFails(ResultCode.EIO, volume::flush);
    assertTrue(volume.isDirty());
    assertFails(ResultCode.EIO, volume::close);
    assertFails(ResultCode.EIO, volume::becomeReadOnly);
    assertFails(ResultCode.EIO, () -> volume.snapshot(TAG));
    session.setFault(Fault.none());
    volume.write(0, filled(10, 2));
    volume.flush();
    assertFalse(volume.isDirty());
    volume.close();
  }

  @Test
  void abandon_dirty_lockFreedWithoutFlush() throws Exception {
    volume.write(0, filled(10, 1));
    session.resetCalls();
    volume.abandon();
    assertEquals(0, session.calls(Operation.FLUSH));
    volume.abandon();
    volume.close();
    Volume again = Volume.open(base, NAME, Access.READ_WRITE);
    assertArrayEquals(bytes(10, 1), read(again, 0, 10));
  }

  @Test
  void failedWrite_nothingHappened_stillDirtyAndUsable() throws Exception {
    session.setFault(Fault.failing(call -> true, ResultCode.NO_SPACE));
    assertFails(ResultCode.NO_SPACE, () -> volume.write(SIZE, filled(10, 1)));
    assertEquals(SIZE, volume.sizeBytes());
    assertTrue(volume.isDirty());
    session.setFault(Fault.none());
    volume.write(SIZE, filled(10, 1));
    assertEquals(SIZE + 10, volume.sizeBytes());
  }

  @Test
  void damagedIndex_opened_eioAndLockFreed() throws IOException {
    volume.close();
    ByteBuffer entry = ByteBuffer.allocate(4).putInt(0, -1);
    base.objects().write(ObjectId.inode(vid()), 4664, entry, Durability.STABLE);
    assertFails(ResultCode.EIO, () -> Volume.open(session, NAME, Access.READ_WRITE));
    assertFails(ResultCode.EIO, () -> Volume.open(session, NAME, Access.READ_WRITE));
  }
}
