package io.sheepfs.volume;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;

/** The inode object of one VDI, read and written field by field. */
final class Inode {

  /** Entries fetched at once: 256 KiB. */
  private static final int READ_ENTRIES = 1 << 16;

  private final ObjectStore store;
  private final VdiId vid;
  private final ObjectId oid;

  /** How many writes to it have ended, well or not. */
  private final AtomicLong writes = new AtomicLong();

  /** How many of them came, as far as is known, before any snapshot. */
  private volatile long writesInTime;

  Inode(ObjectStore store, VdiId vid) {
    this.store = store;
    this.vid = vid;
    this.oid = ObjectId.inode(vid);
  }

  VdiId vid() {
    return vid;
  }

  /**
   * Reads the header.
   *
   * @throws SheepException {@link ResultCode#NO_VDI} if the VDI is gone, {@link
   *     ResultCode#NO_SUPPORT} if it is erasure coded or a hypervolume, {@link ResultCode#EIO} if
   *     the header makes no sense
   */
  VdiInfo readInfo() throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
    try {
      store.read(oid, 0, bytes);
    } catch (SheepException e) {
      throw e.result() == ResultCode.NO_OBJ
          ? new SheepException(ResultCode.NO_VDI, "open VDI " + vid, e)
          : e;
    }
    InodeHeader header = InodeHeader.decode(bytes.flip());
    if (header.isDeleted()) {
      throw new SheepException(ResultCode.NO_VDI, "open VDI " + vid);
    }
    if (header.storePolicy() != 0 || header.copyPolicy() != 0) {
      throw new SheepException(
          ResultCode.NO_SUPPORT, "open VDI " + vid + ", erasure coded or a hypervolume");
    }
    VdiInfo info;
    try {
      info = header.toVdiInfo();
    } catch (IllegalArgumentException e) {
      throw new SheepException(ResultCode.EIO, "read the inode of VDI " + vid, e);
    }
    if (!info.vid().equals(vid)) {
      throw new SheepException(
          ResultCode.EIO, "read the inode of VDI " + vid + ", which says it is " + info.vid());
    }
    return info;
  }

  /** Whether the VDI has become a snapshot. */
  boolean isSnapshot() throws SheepException {
    long ended = writes.get();
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES);
    store.read(oid, InodeLayout.SNAPSHOT_TIME, bytes);
    boolean isSnapshot = bytes.getLong(0) != 0;
    if (!isSnapshot) {
      writesInTime = ended;
    }
    return isSnapshot;
  }

  /**
   * Whether a write to the inode may have come after the VDI became a snapshot. An original sheep
   * takes such writes; those of data it refuses, as ours does all.
   */
  boolean mayBeWrittenLate() {
    return writes.get() != writesInTime;
  }

  private void write(long offset, ByteBuffer bytes, Durability durability) throws SheepException {
    try {
      store.write(oid, offset, bytes, durability);
    } finally {
      writes.incrementAndGet();
    }
  }

  void writeSize(long sizeBytes, Durability durability) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    write(InodeLayout.VDI_SIZE, bytes.putLong(0, sizeBytes), durability);
  }

  int readEntry(int index) throws SheepException {
    int[] entry = new int[1];
    readEntries(index, index + 1, (i, value) -> entry[0] = value);
    return entry[0];
  }

  /** Reads the entries {@code [from, to)} of the index, holes included. */
  void readEntries(int from, int to, EntryReader reader) throws SheepException {
    for (int first = from; first < to; first += READ_ENTRIES) {
      int count = Math.min(READ_ENTRIES, to - first);
      ByteBuffer bytes = entryBuffer(count);
      store.read(oid, InodeLayout.indexOffset(first), bytes);
      bytes.flip();
      for (int i = first; i < first + count; i++) {
        int entry = bytes.getInt();
        if (entry < 0 || entry > VdiId.MAX) {
          throw new SheepException(
              ResultCode.EIO,
              "read index entry " + i + " of VDI " + vid + ": " + Integer.toHexString(entry));
        }
        reader.entry(i, entry);
      }
    }
  }

  /** What {@link #readEntries} calls. */
  interface EntryReader {
    void entry(int index, int owner) throws SheepException;
  }

  void writeEntry(int index, int owner) throws SheepException {
    ByteBuffer bytes = entryBuffer(1).putInt(0, owner);
    write(InodeLayout.indexOffset(index), bytes, Durability.UNSTABLE);
  }

  /** Makes holes of the entries {@code [from, to)}. */
  void clearEntries(int from, int to) throws SheepException {
    write(InodeLayout.indexOffset(from), entryBuffer(to - from), Durability.UNSTABLE);
  }

  private static ByteBuffer entryBuffer(int entries) {
    return ByteBuffer.allocate(entries * InodeLayout.INDEX_ENTRY_BYTES)
        .order(ByteOrder.LITTLE_ENDIAN);
  }
}
