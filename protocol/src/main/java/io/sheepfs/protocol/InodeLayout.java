package io.sheepfs.protocol;

/**
 * Where everything lies in an inode object. Little-endian throughout.
 *
 * <pre>
 *          0 +-------------------------------+
 *            | name, NUL-padded       (256)  |  begins with NUL: a deleted VDI
 *        256 +-------------------------------+
 *            | tag, NUL-padded        (256)  |
 *        512 +-------------------------------+
 *            | create_time            (u64)  |  seconds << 32 | nanoseconds
 *        520 | snap_ctime             (u64)  |  0: the working VDI
 *        528 | vm_clock_nsec          (u64)  |
 *        536 | vdi_size               (u64)  |  bytes
 *        544 | vm_state_size          (u64)  |
 *        552 | copy_policy             (u8)  |  0: replication
 *        553 | store_policy            (u8)  |  0: array, 1: btree
 *        554 | nr_copies               (u8)  |
 *        555 | block_size_shift        (u8)  |
 *        556 | snap_id                (u32)  |
 *        560 | vdi_id                 (u32)  |
 *        564 | parent_vdi_id          (u32)  |
 *        568 | btree_counter          (u32)  |
 *        572 | unused                (4092)  |
 *       4664 +-------------------------------+
 *            | data_vdi_id[2^20]      (u32)  |  the index: 0 is a hole, else the object's owner
 *    4198968 +-------------------------------+
 *            | gref[2^20] {s32, s32}         |  the original's reference counts
 *   12587576 +-------------------------------+
 * </pre>
 */
public final class InodeLayout {

  public static final int NAME = 0;
  public static final int NAME_BYTES = 256;
  public static final int TAG = 256;
  public static final int TAG_BYTES = 256;
  public static final int CREATE_TIME = 512;
  public static final int SNAPSHOT_TIME = 520;
  public static final int VM_CLOCK_NANOS = 528;
  public static final int VDI_SIZE = 536;
  public static final int VM_STATE_SIZE = 544;
  public static final int COPY_POLICY = 552;
  public static final int STORE_POLICY = 553;
  public static final int COPIES = 554;
  public static final int BLOCK_SIZE_SHIFT = 555;
  public static final int SNAPSHOT_ID = 556;
  public static final int VDI_ID = 560;
  public static final int PARENT_VDI_ID = 564;
  public static final int BTREE_COUNTER = 568;

  /** Bytes of everything before the index. */
  public static final int HEADER_BYTES = 4664;

  /** Where the index starts. */
  public static final int INDEX = HEADER_BYTES;

  /** Entries of the index: the most objects a VDI can have. */
  public static final int INDEX_ENTRIES = 1 << 20;

  /** Bytes of an entry of the index. */
  public static final int INDEX_ENTRY_BYTES = 4;

  /** Where the index ends and the reference counts start. */
  public static final int REFERENCES = INDEX + INDEX_ENTRIES * INDEX_ENTRY_BYTES;

  /** Bytes of a whole inode object. */
  public static final int SIZE_BYTES = REFERENCES + INDEX_ENTRIES * 8;

  private InodeLayout() {}

  /**
   * Where the index entry of a data object lies.
   *
   * @param index 0 to {@link #INDEX_ENTRIES} - 1
   */
  public static int indexOffset(int index) {
    if (index < 0 || index >= INDEX_ENTRIES) {
      throw new IndexOutOfBoundsException(index);
    }
    return INDEX + index * INDEX_ENTRY_BYTES;
  }
}
