package io.sheepfs.cache;

import java.nio.ByteBuffer;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Buffers to use again, outside of the heap, and aligned to blocks as direct I/O needs it. Safe for
 * any number of threads.
 */
final class BlockBuffers {

  private static final int MAX_KEPT = 16;

  private final int capacity;
  private final Queue<ByteBuffer> free = new ConcurrentLinkedQueue<>();
  private final AtomicInteger kept = new AtomicInteger();

  /**
   * @param capacity of each buffer that is kept; a whole number of blocks
   */
  BlockBuffers(int capacity) {
    this.capacity = capacity;
  }

  /** A buffer with this much room. */
  ByteBuffer take(int bytes) {
    if (bytes > capacity) {
      return allocate(bytes);
    }
    ByteBuffer buffer = free.poll();
    if (buffer == null) {
      buffer = allocate(capacity);
    } else {
      kept.decrementAndGet();
    }
    return buffer.clear().limit(bytes);
  }

  /** Takes a buffer back, which nobody may use any more. */
  void give(ByteBuffer buffer) {
    if (buffer.capacity() != capacity) {
      return;
    }
    if (kept.incrementAndGet() <= MAX_KEPT) {
      free.add(buffer);
    } else {
      kept.decrementAndGet();
    }
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocateDirect(bytes + BlockMap.BLOCK_BYTES)
        .alignedSlice(BlockMap.BLOCK_BYTES)
        .limit(bytes)
        .slice();
  }
}
