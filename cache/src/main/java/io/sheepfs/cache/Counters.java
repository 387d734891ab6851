package io.sheepfs.cache;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/** What a cache counts. Safe for any number of threads. */
final class Counters {
  final LongAdder hits = new LongAdder();
  final LongAdder misses = new LongAdder();
  final LongAdder fetchedBytes = new LongAdder();
  final LongAdder pushedBytes = new LongAdder();
  final LongAdder pushes = new LongAdder();
  final LongAdder flushes = new LongAdder();
  final LongAdder reclaimed = new LongAdder();
  final LongAdder diskFailures = new LongAdder();
  final LongAdder waits = new LongAdder();
  final LongAdder damaged = new LongAdder();
  final LongAdder dropped = new LongAdder();

  /** Blocks that are dirty now; read on every write, for the back-pressure. */
  final AtomicLong dirtyBlocks = new AtomicLong();

  /** Blocks that are valid now. */
  final LongAdder validBlocks = new LongAdder();

  long dirtyBytes() {
    return dirtyBlocks.get() << BlockMap.BLOCK_SHIFT;
  }
}
