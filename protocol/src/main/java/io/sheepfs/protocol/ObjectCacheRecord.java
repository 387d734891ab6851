package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The answer to GET_CACHE_INFO ({@code object_cache_info}, release 0.9): 12312 bytes.
 *
 * <pre>
 *     0 +-------------------------+
 *       | size              (u64) |  bytes the cache may take
 *     8 | used              (u64) |  bytes it takes
 *    16 | caches[1024]       (12) |
 *       |    0 vid         (u32)  |
 *       |    4 dirty       (u32)  |  objects
 *       |    8 total       (u32)  |  objects
 * 12304 | count             (i32) |
 * 12308 | directio           (u8) |
 * 12309 | pad                 (3) |
 * 12312 +-------------------------+
 * </pre>
 */
public record ObjectCacheRecord(
    long sizeBytes, long usedBytes, List<CachedVdi> caches, boolean directIo) {

  /** The most VDIs that are told of. */
  public static final int MAX_CACHES = 1024;

  /** Bytes of a record. */
  public static final int SIZE_BYTES = 12_312;

  private static final int SIZE = 0;
  private static final int USED = 8;
  private static final int CACHES = 16;
  private static final int CACHE_BYTES = 12;
  private static final int COUNT = 12_304;
  private static final int DIRECT_IO = 12_308;

  /** What the cache has of one VDI. */
  public record CachedVdi(int vid, int dirtyObjects, int totalObjects) {}

  public ObjectCacheRecord {
    caches = List.copyOf(caches);
    if (caches.size() > MAX_CACHES) {
      throw new IllegalArgumentException(caches.size() + " cached VDIs; 1024 are possible");
    }
  }

  /** Reads a record from {@code source}'s position on. */
  public static ObjectCacheRecord decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    int count = bytes.getInt(COUNT);
    if (count < 0 || count > MAX_CACHES) {
      throw new IllegalArgumentException("impossible number of cached VDIs: " + count);
    }
    List<CachedVdi> caches = new ArrayList<>(count);
    bytes.position(CACHES);
    for (int i = 0; i < count; i++) {
      caches.add(new CachedVdi(bytes.getInt(), bytes.getInt(), bytes.getInt()));
    }
    return new ObjectCacheRecord(
        bytes.getLong(SIZE), bytes.getLong(USED), caches, WireBytes.bool(bytes, DIRECT_IO));
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    bytes.putLong(SIZE, sizeBytes);
    bytes.putLong(USED, usedBytes);
    int at = CACHES;
    for (CachedVdi cache : caches) {
      bytes.putInt(at, cache.vid());
      bytes.putInt(at + 4, cache.dirtyObjects());
      bytes.putInt(at + 8, cache.totalObjects());
      at += CACHE_BYTES;
    }
    bytes.putInt(COUNT, caches.size());
    WireBytes.putBool(bytes, DIRECT_IO, directIo);
    return bytes;
  }
}
