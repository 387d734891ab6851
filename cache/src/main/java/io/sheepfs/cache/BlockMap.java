package io.sheepfs.cache;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The valid, the dirty and the open bit, and the checksum, of each block of one object, in a slot
 * of the VDI's {@link MapFile}. Bits are changed in the mapped file itself, by aligned eight-byte
 * stores that neither the compiler nor the death of the process can tear or reorder.
 *
 * <p>Changed only under the exclusive lock of its object; read under the shared one.
 */
class BlockMap {

  /** Bytes of a block. */
  static final int BLOCK_BYTES = 4096;

  static final int BLOCK_SHIFT = 12;

  private static final VarHandle WORD =
      MethodHandles.byteBufferViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private static final VarHandle HALF_WORD =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  private final ByteBuffer chunk;
  private final int slotAt;
  private final int validAt;
  private final int dirtyAt;
  private final int openAt;
  private final int checksumsAt;
  private final int slot;
  private final int index;
  private final int blocks;

  BlockMap(ByteBuffer chunk, int slotAt, int slot, int index, int blocks) {
    this.chunk = chunk;
    this.slotAt = slotAt;
    this.validAt = slotAt + MapFile.SLOT_HEADER_BYTES;
    this.dirtyAt = validAt + MapFile.bitmapBytes(blocks);
    this.openAt = dirtyAt + MapFile.bitmapBytes(blocks);
    this.checksumsAt = openAt + MapFile.bitmapBytes(blocks);
    this.slot = slot;
    this.index = index;
    this.blocks = blocks;
  }

  static long word(ByteBuffer chunk, int at) {
    return (long) WORD.getAcquire(chunk, at);
  }

  /** Every change of eight bytes of the file. */
  void setWord(int at, long value) {
    WORD.setRelease(chunk, at, value);
  }

  /** Every change of four bytes of the file. */
  void setHalfWord(int at, int value) {
    HALF_WORD.setRelease(chunk, at, value);
  }

  /** Takes the slot, or gives it back. */
  final void setMark(long mark) {
    setWord(slotAt, mark);
  }

  int slot() {
    return slot;
  }

  /** The object's index in the VDI. */
  int index() {
    return index;
  }

  int blocks() {
    return blocks;
  }

  boolean isValid(int block) {
    return isSet(validAt, block);
  }

  boolean isDirty(int block) {
    return isSet(dirtyAt, block);
  }

  /** Whether the checksum of a block says nothing: its bytes were just being changed. */
  boolean isOpen(int block) {
    return isSet(openAt, block);
  }

  int checksum(int block) {
    return (int) HALF_WORD.getAcquire(chunk, checksumsAt + block * Integer.BYTES);
  }

  void setChecksum(int block, int checksum) {
    setHalfWord(checksumsAt + block * Integer.BYTES, checksum);
  }

  /** How the object was made, as {@link Origin} says. */
  long origin() {
    return word(chunk, slotAt + MapFile.ORIGIN_AT);
  }

  void setOrigin(long origin) {
    setWord(slotAt + MapFile.ORIGIN_AT, origin);
  }

  /** Notes what the slot holds, so that {@link #isIntact} can tell. */
  void seal() {
    setHalfWord(slotAt + MapFile.SEAL_AT, sum());
  }

  /** Whether the slot holds what it held when it was sealed. */
  boolean isIntact() {
    return (int) HALF_WORD.getAcquire(chunk, slotAt + MapFile.SEAL_AT) == sum();
  }

  private int sum() {
    CRC32C crc = new CRC32C();
    crc.update(chunk.slice(slotAt, Long.BYTES));
    crc.update(chunk.slice(slotAt + MapFile.ORIGIN_AT, Long.BYTES));
    crc.update(chunk.slice(validAt, checksumsAt + blocks * Integer.BYTES - validAt));
    return (int) crc.getValue();
  }

  /** The first valid block from {@code from} on, or {@code to}. */
  int nextValid(int from, int to) {
    return next(validAt, from, to, 0);
  }

  /** The first block that is not valid from {@code from} on, or {@code to}. */
  int nextInvalid(int from, int to) {
    return next(validAt, from, to, -1);
  }

  int nextDirty(int from, int to) {
    return next(dirtyAt, from, to, 0);
  }

  int nextNotDirty(int from, int to) {
    return next(dirtyAt, from, to, -1);
  }

  /** Sets bits of {@code [from, to)}; returns how many were not set. */
  int setValid(int from, int to) {
    return change(validAt, from, to, true);
  }

  int setDirty(int from, int to) {
    return change(dirtyAt, from, to, true);
  }

  /** Clears bits of {@code [from, to)}; returns how many were set. */
  int clearValid(int from, int to) {
    return change(validAt, from, to, false);
  }

  int clearDirty(int from, int to) {
    return change(dirtyAt, from, to, false);
  }

  void setOpen(int from, int to) {
    change(openAt, from, to, true);
  }

  void clearOpen(int from, int to) {
    change(openAt, from, to, false);
  }

  /** The first open block from {@code from} on, or {@code to}. */
  int nextOpen(int from, int to) {
    return next(openAt, from, to, 0);
  }

  /** Sets the dirty bit where the valid bit is set; returns how many were not set. */
  int setDirtyWhereValid(int from, int to) {
    int changed = 0;
    for (int block = nextValid(from, to); block < to; ) {
      int end = nextInvalid(block, to);
      changed += setDirty(block, end);
      block = nextValid(end, to);
    }
    return changed;
  }

  private boolean isSet(int base, int block) {
    return (word(chunk, base + (block >>> 6) * Long.BYTES) & 1L << block) != 0;
  }

  /** The first block whose bit differs from that of {@code flip}: 0 or all ones. */
  private int next(int base, int from, int to, long flip) {
    int block = from;
    while (block < to) {
      long bits = word(chunk, base + (block >>> 6) * Long.BYTES) ^ flip;
      bits &= -1L << block;
      if (bits != 0) {
        return Math.min(to, (block & ~63) + Long.numberOfTrailingZeros(bits));
      }
      block = (block & ~63) + 64;
    }
    return to;
  }

  private int change(int base, int from, int to, boolean set) {
    int changed = 0;
    int block = from;
    while (block < to) {
      int end = Math.min(to, (block & ~63) + 64);
      long mask = (-1L << block) & (-1L >>> (64 - (end - (block & ~63))));
      int at = base + (block >>> 6) * Long.BYTES;
      long before = word(chunk, at);
      long after = set ? before | mask : before & ~mask;
      if (after != before) {
        setWord(at, after);
        changed += Long.bitCount(after ^ before);
      }
      block = end;
    }
    return changed;
  }
}
