package io.sheepfs.protocol;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every {@link ObjectStore} must do. */
public abstract class ObjectStoreContract extends ClusterContract {

  private static final int OBJECT_BYTES = 1 << VdiSpec.DEFAULT_BLOCK_SIZE_SHIFT;
  private static final int BLOCK = 4096;

  private VdiInfo vdi;
  private VdiId vid;
  private ObjectId first;

  @BeforeEach
  final void createVdi() throws SheepException {
    vdi = createVdi("disk", 64L << 20);
    vid = vdi.vid();
    first = ObjectId.data(vid, 0);
  }

  private void create(ObjectId oid, long offset, ByteBuffer src) throws SheepException {
    objects().create(oid, offset, src, Durability.UNSTABLE);
  }

  private void write(ObjectId oid, long offset, ByteBuffer src) throws SheepException {
    objects().write(oid, offset, src, Durability.UNSTABLE);
  }

  @Test
  void read_absentObject_noObj() {
    assertFails(ResultCode.NO_OBJ, () -> read(first, 0, 1));
    assertFails(ResultCode.NO_OBJ, () -> read(ObjectId.data(vid, 0xFFFFF), 0, 1));
  }

  @Test
  void create_withOffset_zerosElsewhere() throws Exception {
    ByteBuffer src = filled(1000, 7);
    create(first, 5000, src);
    assertEquals(0, src.remaining());
    byte[] expected = new byte[OBJECT_BYTES];
    System.arraycopy(filledArray(1000, 7), 0, expected, 5000, 1000);
    assertArrayEquals(expected, read(first, 0, OBJECT_BYTES));
  }

  @Test
  void create_ofNothing_allZeros() throws Exception {
    create(first, 0, ByteBuffer.allocate(0));
    assertArrayEquals(new byte[OBJECT_BYTES], read(first, 0, OBJECT_BYTES));
  }

  @Test
  void create_wholeObject_readBack() throws Exception {
    create(first, 0, filled(OBJECT_BYTES, 9));
    assertArrayEquals(filledArray(OBJECT_BYTES, 9), read(first, 0, OBJECT_BYTES));
  }

  @Test
  void create_existingObject_replacesIt() throws Exception {
    create(first, 0, filled(OBJECT_BYTES, 1));
    objects().create(first, BLOCK, filled(BLOCK, 2), Durability.STABLE);
    assertArrayEquals(new byte[BLOCK], read(first, 0, BLOCK));
    assertArrayEquals(filledArray(BLOCK, 2), read(first, BLOCK, BLOCK));
    assertArrayEquals(new byte[BLOCK], read(first, OBJECT_BYTES - BLOCK, BLOCK));
  }

  @Test
  void write_absentObject_noObjAndStillAbsent() throws Exception {
    assertFails(ResultCode.NO_OBJ, () -> write(first, 0, filled(1, 1)));
    assertFalse(exists(first));
  }

  @Test
  void write_unalignedBehindWhatWasWritten_onlyThatChanges() throws Exception {
    create(first, 0, filled(100, 1));
    objects().write(first, 200_001, filled(333, 2), Durability.STABLE);
    byte[] expected = new byte[OBJECT_BYTES];
    System.arraycopy(filledArray(100, 1), 0, expected, 0, 100);
    System.arraycopy(filledArray(333, 2), 0, expected, 200_001, 333);
    assertArrayEquals(expected, read(first, 0, OBJECT_BYTES));
  }

  @Test
  void write_lastByte_readBack() throws Exception {
    create(first, 0, ByteBuffer.allocate(0));
    write(first, OBJECT_BYTES - 1, filled(1, 5));
    assertArrayEquals(filledArray(1, 5), read(first, OBJECT_BYTES - 1, 1));
  }

  @Test
  void anyCall_outOfBounds_invalidAndUnchanged() throws Exception {
    create(first, 0, filled(OBJECT_BYTES, 3));
    ObjectId second = ObjectId.data(vid, 1);
    ByteBuffer two = ByteBuffer.allocate(2);
    long last = OBJECT_BYTES - 1;
    assertFails(ResultCode.INVALID_PARMS, () -> read(first, last, 2));
    assertFails(ResultCode.INVALID_PARMS, () -> read(first, -1, 2));
    assertFails(ResultCode.INVALID_PARMS, () -> write(first, last, two.clear()));
    assertFails(ResultCode.INVALID_PARMS, () -> write(first, Long.MAX_VALUE, two.clear()));
    assertFails(ResultCode.INVALID_PARMS, () -> create(first, last, two.clear()));
    assertFails(
        ResultCode.INVALID_PARMS,
        () -> objects().createCopy(second, first, last, two.clear(), Durability.UNSTABLE));
    assertFails(
        ResultCode.INVALID_PARMS, () -> objects().discard(first, last, 2, Durability.UNSTABLE));
    assertFails(
        ResultCode.INVALID_PARMS, () -> read(ObjectId.inode(vid), InodeLayout.SIZE_BYTES - 1, 2));
    assertArrayEquals(filledArray(OBJECT_BYTES, 3), read(first, 0, OBJECT_BYTES));
    assertFalse(exists(second));
  }

  @Test
  void bounds_smallObjectSize_thatOfTheVdi() throws Exception {
    VdiInfo small = vdis().create(new VdiName("small"), new VdiSpec(8 << 20, 0, 20));
    ObjectId oid = ObjectId.data(small.vid(), 0);
    create(oid, (1 << 20) - 1, filled(1, 1));
    assertFails(ResultCode.INVALID_PARMS, () -> write(oid, 1 << 20, filled(1, 1)));
    assertFails(ResultCode.INVALID_PARMS, () -> read(oid, 0, (1 << 20) + 1));
  }

  @Test
  void read_intoPartOfABuffer_restUntouched() throws Exception {
    create(first, 0, filled(BLOCK, 4));
    for (ByteBuffer dst :
        new ByteBuffer[] {ByteBuffer.allocate(64), ByteBuffer.allocateDirect(64)}) {
      objects().read(first, 8, dst.position(10).limit(20));
      assertEquals(20, dst.position());
      dst.clear();
      for (int i = 0; i < 64; i++) {
        assertEquals(i >= 10 && i < 20 ? 4 : 0, dst.get(i), "byte " + i);
      }
    }
  }

  @Test
  void write_fromPartOfABuffer_onlyThatPart() throws Exception {
    create(first, 0, filled(BLOCK, 4));
    ByteBuffer direct = ByteBuffer.allocateDirect(64);
    ByteBuffer heap = filled(64, 6).position(10).limit(20);
    direct.put(10, heap, 10, 10).position(10).limit(20);
    for (ByteBuffer src : new ByteBuffer[] {direct, heap.slice(), heap.asReadOnlyBuffer()}) {
      write(first, 0, filled(BLOCK, 4));
      write(first, 100, src);
      assertEquals(0, src.remaining());
      byte[] expected = filledArray(BLOCK, 4);
      System.arraycopy(filledArray(10, 6), 0, expected, 100, 10);
      assertArrayEquals(expected, read(first, 0, BLOCK));
    }
  }

  @Test
  void createCopy_withData_overlaysTheSource() throws Exception {
    VdiInfo other = createVdi("other", 4 << 20);
    ObjectId copy = ObjectId.data(other.vid(), 0);
    create(first, 0, filled(OBJECT_BYTES, 1));
    objects().createCopy(copy, first, 999, filled(5000, 2), Durability.UNSTABLE);
    byte[] expected = filledArray(OBJECT_BYTES, 1);
    System.arraycopy(filledArray(5000, 2), 0, expected, 999, 5000);
    assertArrayEquals(expected, read(copy, 0, OBJECT_BYTES));
    assertArrayEquals(filledArray(OBJECT_BYTES, 1), read(first, 0, OBJECT_BYTES));
    write(copy, 0, filled(OBJECT_BYTES, 3));
    assertArrayEquals(filledArray(OBJECT_BYTES, 1), read(first, 0, OBJECT_BYTES));
  }

  @Test
  void createCopy_ofShortSource_zerosBehindIt() throws Exception {
    ObjectId copy = ObjectId.data(vid, 1);
    create(first, 0, filled(10, 1));
    objects().createCopy(copy, first, 100_000, filled(10, 2), Durability.STABLE);
    byte[] expected = new byte[OBJECT_BYTES];
    System.arraycopy(filledArray(10, 1), 0, expected, 0, 10);
    System.arraycopy(filledArray(10, 2), 0, expected, 100_000, 10);
    assertArrayEquals(expected, read(copy, 0, OBJECT_BYTES));
  }

  @Test
  void createCopy_ofNothing_plainCopyInPlaceOfWhatWasThere() throws Exception {
    ObjectId copy = ObjectId.data(vid, 1);
    create(first, 0, filled(BLOCK, 1));
    create(copy, 0, filled(OBJECT_BYTES, 8));
    objects().createCopy(copy, first, 0, ByteBuffer.allocate(0), Durability.UNSTABLE);
    assertArrayEquals(filledArray(BLOCK, 1), read(copy, 0, BLOCK));
    assertArrayEquals(new byte[OBJECT_BYTES - BLOCK], read(copy, BLOCK, OBJECT_BYTES - BLOCK));
  }

  @Test
  void createCopy_absentSource_noObjAndNothingMade() throws Exception {
    ObjectId copy = ObjectId.data(vid, 1);
    assertFails(
        ResultCode.NO_OBJ,
        () -> objects().createCopy(copy, first, 0, filled(10, 1), Durability.UNSTABLE));
    assertFalse(exists(copy));
  }

  @Test
  void discard_unalignedRange_zerosThereOnly() throws Exception {
    create(first, 0, filled(OBJECT_BYTES, 1));
    objects().discard(first, 1000, 100_000, Durability.UNSTABLE);
    byte[] expected = filledArray(OBJECT_BYTES, 1);
    System.arraycopy(new byte[100_000], 0, expected, 1000, 100_000);
    assertArrayEquals(expected, read(first, 0, OBJECT_BYTES));
    objects().discard(first, 0, OBJECT_BYTES, Durability.STABLE);
    assertArrayEquals(new byte[OBJECT_BYTES], read(first, 0, OBJECT_BYTES));
  }

  @Test
  void discard_tailOfShortObject_objectKeepsItsSize() throws Exception {
    create(first, 0, filled(10, 1));
    objects().discard(first, 5, OBJECT_BYTES - 5, Durability.UNSTABLE);
    byte[] expected = new byte[OBJECT_BYTES];
    System.arraycopy(filledArray(5, 1), 0, expected, 0, 5);
    assertArrayEquals(expected, read(first, 0, OBJECT_BYTES));
  }

  @Test
  void discard_absentObject_staysAbsent() throws Exception {
    objects().discard(first, 0, BLOCK, Durability.UNSTABLE);
    assertFalse(exists(first));
  }

  @Test
  void remove_presentOrNot_absent() throws Exception {
    create(first, 0, filled(10, 1));
    objects().remove(first);
    assertFails(ResultCode.NO_OBJ, () -> read(first, 0, 1));
    objects().remove(first);
    create(first, 50, filled(1, 1));
    assertArrayEquals(new byte[50], read(first, 0, 50));
  }

  @Test
  void dataObjectsOfSnapshot_anyChange_readonly() throws Exception {
    allocate(vid, 0, 1);
    VdiInfo working = vdis().snapshot(vdi.name(), new SnapshotTag("s"));
    ObjectId second = ObjectId.data(vid, 1);
    ObjectId own = ObjectId.data(working.vid(), 0);
    assertFails(ResultCode.READONLY, () -> write(first, 0, filled(1, 2)));
    assertFails(ResultCode.READONLY, () -> create(first, 0, filled(1, 2)));
    assertFails(ResultCode.READONLY, () -> create(second, 0, filled(1, 2)));
    assertFails(
        ResultCode.READONLY,
        () -> objects().createCopy(second, first, 0, filled(1, 2), Durability.UNSTABLE));
    assertFails(ResultCode.READONLY, () -> objects().discard(first, 0, 1, Durability.UNSTABLE));
    assertFalse(exists(second));
    objects().createCopy(own, first, 0, filled(1, 2), Durability.UNSTABLE);
    assertArrayEquals(filledArray(1 << 16, 1), read(first, 0, 1 << 16));
    assertArrayEquals(new byte[] {2, 1}, read(own, 0, 2));
  }

  @Test
  void inode_ofNewVdi_headerAndEmptyIndex() throws Exception {
    byte[] header = read(ObjectId.inode(vid), 0, InodeLayout.HEADER_BYTES);
    assertEquals(vdi, InodeHeader.decode(ByteBuffer.wrap(header)).toVdiInfo());
    int behindHeader = InodeLayout.SIZE_BYTES - InodeLayout.HEADER_BYTES;
    assertArrayEquals(
        new byte[behindHeader], read(ObjectId.inode(vid), InodeLayout.HEADER_BYTES, behindHeader));
  }

  @Test
  void index_written_readBackByAnotherClient() throws Exception {
    allocate(vid, 3, 1);
    allocate(vid, InodeLayout.INDEX_ENTRIES - 1, 2);
    Cluster other = otherClient();
    ByteBuffer entry = ByteBuffer.allocate(4);
    other.objects().read(ObjectId.inode(vid), InodeLayout.indexOffset(3), entry);
    assertEquals(Integer.reverseBytes(vid.value()), entry.getInt(0));
    assertEquals(vid.value(), indexEntry(vid, InodeLayout.INDEX_ENTRIES - 1));
    assertEquals(0, indexEntry(vid, 2));
  }

  @Test
  void index_lastReferenceCleared_objectRemoved() throws Exception {
    ObjectId a = allocate(vid, 0, 1);
    ObjectId b = allocate(vid, 1, 2);
    ObjectId c = allocate(vid, 2, 3);
    setIndex(vid, 0, 0, 0);
    eventually("two objects removed", () -> !exists(a) && !exists(b));
    assertTrue(exists(c));
  }

  @Test
  void index_sameEntryWrittenAgain_objectStays() throws Exception {
    ObjectId a = allocate(vid, 0, 1);
    ObjectId b = allocate(vid, 1, 2);
    setIndex(vid, 0, vid.value(), 0);
    eventually("one object removed", () -> !exists(b));
    assertArrayEquals(filledArray(BLOCK, 1), read(a, 0, BLOCK));
  }

  @Test
  void index_clearedWhereSnapshotRefers_objectStaysUntilBothAreCleared() throws Exception {
    ObjectId shared = allocate(vid, 0, 1);
    VdiInfo working = vdis().snapshot(vdi.name(), new SnapshotTag("s"));
    ObjectId probe = allocate(working.vid(), 1, 2);
    setIndex(working.vid(), 0, 0, 0);
    eventually("the index write was carried out", () -> !exists(probe));
    assertArrayEquals(filledArray(BLOCK, 1), read(shared, 0, BLOCK));
    setIndex(vid, 0, 0);
    eventually("the shared object removed", () -> !exists(shared));
  }

  @Test
  void index_clearedAndObjectMadeAgain_newObjectStays() throws Exception {
    for (int round = 0; round < 50; round++) {
      ObjectId oid = allocate(vid, 0, round);
      setIndex(vid, 0, 0);
      allocate(vid, 0, round + 1);
      ObjectId marker = allocate(vid, 1, 1);
      setIndex(vid, 1, 0);
      eventually("the marker removed", () -> !exists(marker));
      assertArrayEquals(filledArray(BLOCK, round + 1), read(oid, 0, BLOCK), "round " + round);
    }
  }

  @Test
  void everything_notFlushed_survivesTheEndOfTheClient() throws Exception {
    allocate(vid, 0, 1);
    ObjectId copy = ObjectId.data(vid, 1);
    objects().createCopy(copy, first, 0, filled(1, 2), Durability.UNSTABLE);
    setIndex(vid, 1, vid.value());
    reopen();
    assertArrayEquals(filledArray(BLOCK, 1), read(first, 0, BLOCK));
    assertArrayEquals(new byte[] {2, 1}, read(copy, 0, 2));
    assertEquals(vid.value(), indexEntry(vid, 1));
  }

  @Test
  void flush_atAnyTime_contentStays() throws Exception {
    objects().flush(vid);
    allocate(vid, 0, 1);
    objects().flush(vid);
    objects().flush(vid);
    setIndex(vid, 0, 0);
    objects().flush(vid);
    eventually("the object removed", () -> !exists(first));
    reopen();
    assertFalse(exists(first));
    assertEquals(0, indexEntry(vid, 0));
  }

  @Test
  void parallelWrites_disjointBlocksOfOneObject_noneLost() throws Exception {
    allocate(vid, 0, 0);
    int threads = 8;
    int blocks = 64;
    inParallel(
        threads,
        thread -> {
          for (int block = thread; block < blocks; block += threads) {
            write(first, (long) block * BLOCK, filled(BLOCK, block + 1));
            if (thread == 0) {
              objects().flush(vid);
            }
          }
        });
    for (int block = 0; block < blocks; block++) {
      assertArrayEquals(filledArray(BLOCK, block + 1), read(first, (long) block * BLOCK, BLOCK));
    }
  }

  @Test
  void parallelReadAndWrite_oneBlock_neverMixed() throws Exception {
    allocate(vid, 0, 1);
    AtomicBoolean stop = new AtomicBoolean();
    inParallel(
        4,
        thread -> {
          if (thread == 0) {
            for (int i = 0; i < 2000; i++) {
              write(first, BLOCK, filled(BLOCK, i));
            }
            stop.set(true);
          } else {
            do {
              byte[] block = read(first, BLOCK, BLOCK);
              assertArrayEquals(filledArray(BLOCK, block[0]), block);
            } while (!stop.get());
          }
        });
  }

  @Test
  void parallelAllocation_manyObjects_allIndexed() throws Exception {
    int threads = 8;
    int each = 16;
    inParallel(
        threads,
        thread -> {
          for (int i = 0; i < each; i++) {
            allocate(vid, i * threads + thread, thread + 1);
          }
        });
    for (int i = 0; i < threads * each; i++) {
      assertEquals(vid.value(), indexEntry(vid, i), "entry " + i);
      assertArrayEquals(filledArray(BLOCK, i % threads + 1), read(ObjectId.data(vid, i), 0, BLOCK));
    }
    inParallel(
        threads,
        thread -> {
          for (int i = 0; i < each; i++) {
            setIndex(vid, i * threads + thread, 0);
          }
        });
    eventually(
        "all removed",
        () -> {
          for (int i = 0; i < threads * each; i++) {
            if (exists(ObjectId.data(vid, i))) {
              return false;
            }
          }
          return true;
        });
  }
}
