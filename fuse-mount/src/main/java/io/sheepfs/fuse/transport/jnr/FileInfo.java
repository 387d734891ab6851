package io.sheepfs.fuse.transport.jnr;

import com.kenai.jffi.MemoryIO;

/**
 * {@code struct fuse_file_info} of libfuse 2.9 on 64-bit little-endian machines, by address.
 * jnr-fuse's own class has the word of flags at a wrong offset.
 *
 * <pre>
 * flags i32 @0 | fh_old @8 | writepage i32 @16 | direct_io:1 keep_cache:1 … @20 | fh u64 @24
 * </pre>
 */
final class FileInfo {

  private static final int FLAGS = 0;
  private static final int BITS = 20;
  private static final int HANDLE = 24;
  private static final int DIRECT_IO = 1;
  private static final int KEEP_CACHE = 2;

  private FileInfo() {}

  /** The {@code O_*} flags. */
  static int flags(MemoryIO memory, long info) {
    return memory.getInt(info + FLAGS);
  }

  /** The number that an open gave. */
  static long handle(MemoryIO memory, long info) {
    return memory.getLong(info + HANDLE);
  }

  static void setHandle(MemoryIO memory, long info, long handle) {
    memory.putLong(info + HANDLE, handle);
  }

  /** Tells the kernel not to cache. */
  static void setDirectIo(MemoryIO memory, long info) {
    memory.putInt(info + BITS, memory.getInt(info + BITS) | DIRECT_IO);
  }

  /** Tells the kernel that what it cached is still good. */
  static void setKeepCache(MemoryIO memory, long info) {
    memory.putInt(info + BITS, memory.getInt(info + BITS) | KEEP_CACHE);
  }
}
