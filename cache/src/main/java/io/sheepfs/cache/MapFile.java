package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The maps of the cached objects of one VDI: a mapped file of equal slots. Little-endian.
 *
 * <pre>
 *      0 +--------------------------------+
 *        | magic "SHEEPMAP"         (u64) |
 *      8 | version, 2               (u32) |
 *     12 | vid                      (u32) |
 *     16 | block_size_shift         (u32) |
 *     20 | CRC-32C of bytes 0 to 20 (u32) |
 *     24 | length of the name       (u32) |
 *     28 | name of the VDI                |  UTF-8; for its quota
 *    284 | zeros                          |
 *   4096 +--------------------------------+
 *        | slot 0                         |
 *        +--------------------------------+
 *        | slot 1 ...                     |
 *
 *  a slot, of 64 + 3 * bitmap + 4 * blocks bytes:
 *      0 | mark                     (u64) |  0: free; else 0x53480B1E &lt;&lt; 32 | object index
 *      8 | CRC-32C of all else      (u32) |  as of the last clean close
 *     12 | zeros                          |
 *     16 | how it was made, not flushed   |  0: it was flushed; 1 &lt;&lt; 32: of zeros;
 *        |                          (u64) |  2 &lt;&lt; 32 | vid: as a copy of that VDI's
 *     24 | zeros                          |
 *     64 | valid bits, block 0 lowest     |  the bitmaps are rounded up to 32 bytes
 *        | dirty bits                     |
 *        | open bits                      |  the checksum of the block says nothing
 *        | checksum of each block   (u32) |  CRC-32C of its bytes, xor of whose they are
 * </pre>
 *
 * <p>A slot is taken by one store of its mark when its bits are zero, and freed by one store when
 * they are zero again, so that a process that dies at any point leaves a file that makes sense. The
 * file grows by 64 slots at a time, which keeps every mapping a whole number of pages; by one, of
 * whole pages, if objects have more than 16 MiB.
 *
 * <p>Safe for any number of threads.
 */
final class MapFile {

  static final int SLOT_HEADER_BYTES = 64;
  static final int SEAL_AT = 8;
  static final int ORIGIN_AT = 16;

  private static final int HEADER_BYTES = 4096;
  private static final int MANY_SLOTS = 64;
  private static final int MAX_BLOCKS_OF_MANY = 4096;
  private static final long MAGIC = 0x50414d5045454853L;
  private static final int VERSION = 2;
  private static final int CHECKED_BYTES = 20;
  private static final int NAME_AT = 24;
  private static final int MAX_NAME_BYTES = 256;
  private static final long MARK = 0x53480B1EL << 32;

  private final CacheDisk disk;
  private final VdiId vid;
  private final int blocks;
  private final int slotBytes;
  private final int chunkSlots;
  private final List<ByteBuffer> chunks = new ArrayList<>();
  private final BitSet used = new BitSet();

  private MapFile(CacheDisk disk, VdiId vid, int blockSizeShift) {
    this.disk = disk;
    this.vid = vid;
    this.blocks = 1 << (blockSizeShift - BlockMap.BLOCK_SHIFT);
    int bytes = SLOT_HEADER_BYTES + 3 * bitmapBytes(blocks) + blocks * Integer.BYTES;
    this.chunkSlots = blocks <= MAX_BLOCKS_OF_MANY ? MANY_SLOTS : 1;
    int unit = chunkSlots == 1 ? HEADER_BYTES : SLOT_HEADER_BYTES;
    this.slotBytes = (bytes + unit - 1) / unit * unit;
  }

  static int bitmapBytes(int blocks) {
    return (blocks / Byte.SIZE + 31) & ~31;
  }

  /** Starts an empty map file. */
  static MapFile create(CacheDisk disk, VdiId vid, int blockSizeShift, String name)
      throws IOException {
    ByteBuffer header = disk.map(vid, 0, HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    header.putInt(8, VERSION).putInt(12, vid.value()).putInt(16, blockSizeShift);
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length <= MAX_NAME_BYTES) {
      header.putInt(NAME_AT, bytes.length).put(NAME_AT + Integer.BYTES, bytes);
    }
    header.putLong(0, MAGIC);
    header.putInt(CHECKED_BYTES, checksum(header));
    return new MapFile(disk, vid, blockSizeShift);
  }

  /** The block size shift that a map file says; 0 if the file is damaged or there is none. */
  static int blockSizeShift(CacheDisk disk, VdiId vid) throws IOException {
    if (disk.mapBytes(vid) < HEADER_BYTES) {
      return 0;
    }
    ByteBuffer header = disk.map(vid, 0, HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int shift = header.getInt(16);
    boolean sound =
        header.getLong(0) == MAGIC
            && header.getInt(8) == VERSION
            && header.getInt(12) == vid.value()
            && header.getInt(CHECKED_BYTES) == checksum(header)
            && shift >= 20
            && shift <= 31;
    return sound ? shift : 0;
  }

  /** The name of the VDI that a sound map file is of; empty if it is not known. */
  static String name(CacheDisk disk, VdiId vid) throws IOException {
    ByteBuffer header = disk.map(vid, 0, HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    int length = header.getInt(NAME_AT);
    if (length < 0 || length > MAX_NAME_BYTES) {
      return "";
    }
    byte[] bytes = new byte[length];
    header.get(NAME_AT + Integer.BYTES, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** A map file that is there and sound. */
  static MapFile load(CacheDisk disk, VdiId vid, int blockSizeShift) {
    return new MapFile(disk, vid, blockSizeShift);
  }

  /**
   * Reads the slots in use.
   *
   * @return null if the file is damaged
   */
  synchronized @Nullable List<BlockMap> readSlots() throws IOException {
    List<BlockMap> maps = new ArrayList<>();
    BitSet seen = new BitSet();
    long chunkBytes = (long) chunkSlots * slotBytes;
    long whole = (disk.mapBytes(vid) - HEADER_BYTES) / chunkBytes;
    for (int i = 0; i < whole; i++) {
      ByteBuffer chunk = mapChunk(i);
      for (int j = 0; j < chunkSlots; j++) {
        int slot = i * chunkSlots + j;
        long mark = BlockMap.word(chunk, j * slotBytes);
        if (mark == 0) {
          continue;
        }
        int index = (int) mark;
        if ((mark & ~0xFFFF_FFFFL) != MARK || index < 0 || seen.get(index)) {
          return null;
        }
        seen.set(index);
        used.set(slot);
        maps.add(disk.slot(vid, chunk, j * slotBytes, slot, index, blocks));
      }
    }
    return maps;
  }

  /** A slot for an object, with all bits clear. */
  synchronized BlockMap allocate(int index) throws IOException {
    int slot = used.nextClearBit(0);
    while (slot / chunkSlots >= chunks.size()) {
      mapChunk(chunks.size());
    }
    ByteBuffer chunk = chunks.get(slot / chunkSlots);
    int at = slot % chunkSlots * slotBytes;
    BlockMap map = disk.slot(vid, chunk, at, slot, index, blocks);
    map.clearValid(0, blocks);
    map.clearDirty(0, blocks);
    map.clearOpen(0, blocks);
    map.setOrigin(0);
    map.setMark(MARK | index);
    used.set(slot);
    return map;
  }

  /** Gives a slot back. */
  synchronized void free(BlockMap map) {
    map.clearValid(0, blocks);
    map.clearDirty(0, blocks);
    map.clearOpen(0, blocks);
    map.setMark(0);
    used.clear(map.slot());
  }

  private ByteBuffer mapChunk(int number) throws IOException {
    int chunkBytes = chunkSlots * slotBytes;
    ByteBuffer chunk = disk.map(vid, HEADER_BYTES + (long) number * chunkBytes, chunkBytes);
    chunks.add(chunk);
    return chunk;
  }

  private static int checksum(ByteBuffer header) {
    CRC32C crc = new CRC32C();
    crc.update(header.slice(0, CHECKED_BYTES));
    return (int) crc.getValue();
  }
}
