package io.sheepfs.cache;

import io.sheepfs.protocol.ObjectId;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * The checksums of the blocks of one object: of their bytes, and of whose they are, so that a block
 * in the wrong place is damaged, too. Called under the lock of the object.
 */
final class BlockSums {

  private final ObjectId oid;
  private final long whose;

  BlockSums(ObjectId oid) {
    this.oid = oid;
    this.whose = (((long) oid.vid().value() << 32) | oid.index()) * 0x9E3779B97F4A7C15L;
  }

  /**
   * Compares bytes with the checksums of their blocks, but for open ones.
   *
   * @param start where the first block is in {@code bytes}
   * @throws DamagedBlock if the bytes of one are not what was written
   */
  void verify(BlockMap map, ByteBuffer bytes, int start, int from, int to) throws DamagedBlock {
    for (int block = from; block < to; block++) {
      int at = start + ((block - from) << BlockMap.BLOCK_SHIFT);
      if (!map.isOpen(block) && map.checksum(block) != of(bytes, at, block)) {
        throw new DamagedBlock(oid, block);
      }
    }
  }

  /** Notes the checksums of blocks, which are open no more. */
  void set(BlockMap map, ByteBuffer bytes, int start, int from, int to) {
    for (int block = from; block < to; block++) {
      int at = start + ((block - from) << BlockMap.BLOCK_SHIFT);
      map.setChecksum(block, of(bytes, at, block));
    }
    map.clearOpen(from, to);
  }

  private int of(ByteBuffer bytes, int at, int block) {
    int position = bytes.position();
    int limit = bytes.limit();
    CRC32C crc = new CRC32C();
    bytes.limit(at + BlockMap.BLOCK_BYTES).position(at);
    crc.update(bytes);
    bytes.limit(limit).position(position);
    return (int) crc.getValue() ^ (int) (((whose + block) * 0xC2B2AE3D27D4EB4FL) >>> 32);
  }
}
