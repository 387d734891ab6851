package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.abort;

import io.sheepfs.cache.CacheOptions.DiskAccess;
import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Cache files past the page cache, on a real file system. */
class DirectDiskTest {

  private static final int BYTES = 3 * BlockMap.BLOCK_BYTES;

  @TempDir private Path directory;

  private FileDisk disk(DiskAccess access) {
    try {
      return FileDisk.open(directory.resolve("cache"), access);
    } catch (IOException e) {
      return abort("this file system has no direct I/O: " + e);
    }
  }

  /** Memory of each kind that callers have: the heap, aligned to blocks, and neither. */
  private static List<ByteBuffer> memory() {
    ByteBuffer direct =
        ByteBuffer.allocateDirect(2 * BYTES + BlockMap.BLOCK_BYTES)
            .alignedSlice(BlockMap.BLOCK_BYTES);
    return List.of(
        ByteBuffer.allocate(BYTES),
        ByteBuffer.allocate(BYTES + 7).position(7),
        direct.slice(0, BYTES),
        direct.slice(8, BYTES),
        direct.slice(0, 2 * BYTES).position(BYTES - 512).limit(2 * BYTES - 512));
  }

  @Test
  void bytes_fromAndToAnyMemory_areTheSame() throws Exception {
    Random random = new Random(1);
    for (DiskAccess access : List.of(DiskAccess.DIRECT, DiskAccess.DIRECT_DSYNC)) {
      try (FileDisk disk = disk(access)) {
        for (ByteBuffer source : memory()) {
          for (ByteBuffer target : memory()) {
            byte[] content = new byte[BYTES];
            random.nextBytes(content);
            source.put(source.position(), content);
            try (ObjectFile file = disk.open(new VdiId(1), 0)) {
              ByteBuffer written = source.duplicate();
              file.write(written, BlockMap.BLOCK_BYTES);
              assertEquals(0, written.remaining());
              ByteBuffer read = target.duplicate();
              file.read(read, BlockMap.BLOCK_BYTES);
              assertEquals(0, read.remaining());
            }
            assertEquals(ByteBuffer.wrap(content), target.duplicate());
          }
        }
      }
    }
  }
}
