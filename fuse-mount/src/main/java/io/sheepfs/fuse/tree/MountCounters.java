package io.sheepfs.fuse.tree;

import io.sheepfs.telemetry.MetricList;
import java.util.concurrent.atomic.LongAdder;

/** What a mount has done since it began. Safe for any number of threads. */
final class MountCounters {

  final LongAdder reads = new LongAdder();
  final LongAdder readBytes = new LongAdder();
  final LongAdder writes = new LongAdder();
  final LongAdder writtenBytes = new LongAdder();
  final LongAdder flushes = new LongAdder();
  final LongAdder failures = new LongAdder();

  void addTo(MetricList list, int openVolumes) {
    list.counter("reads", "Read requests", reads.sum())
        .counter("read_bytes", "Bytes read", readBytes.sum())
        .counter("writes", "Write requests", writes.sum())
        .counter("written_bytes", "Bytes written", writtenBytes.sum())
        .counter("flushes", "Flushes of a volume", flushes.sum())
        .counter("failures", "Reads, writes and flushes that failed", failures.sum())
        .gauge("open_volumes", "Volumes open now", openVolumes);
  }
}
