package io.sheepfs.fuse.tree;

import java.util.concurrent.atomic.LongAdder;

/** What a mount has done since it began. Safe for any number of threads. */
final class MountCounters {

  final LongAdder reads = new LongAdder();
  final LongAdder readBytes = new LongAdder();
  final LongAdder writes = new LongAdder();
  final LongAdder writtenBytes = new LongAdder();
  final LongAdder flushes = new LongAdder();
  final LongAdder failures = new LongAdder();

  /** The counters in the text format of Prometheus. */
  String toPrometheus(int openVolumes) {
    StringBuilder text = new StringBuilder();
    counter(text, "reads_total", "Read requests", reads.sum());
    counter(text, "read_bytes_total", "Bytes read", readBytes.sum());
    counter(text, "writes_total", "Write requests", writes.sum());
    counter(text, "written_bytes_total", "Bytes written", writtenBytes.sum());
    counter(text, "flushes_total", "Flushes of a volume", flushes.sum());
    counter(text, "failures_total", "Reads, writes and flushes that failed", failures.sum());
    gauge(text, "open_volumes", "Volumes open now", openVolumes);
    return text.toString();
  }

  static void counter(StringBuilder text, String name, String help, long value) {
    metric(text, name, help, "counter", value);
  }

  static void gauge(StringBuilder text, String name, String help, long value) {
    metric(text, name, help, "gauge", value);
  }

  private static void metric(
      StringBuilder text, String name, String help, String type, long value) {
    text.append("# HELP sheepfs_").append(name).append(' ').append(help).append('\n');
    text.append("# TYPE sheepfs_").append(name).append(' ').append(type).append('\n');
    text.append("sheepfs_").append(name).append(' ').append(value).append('\n');
  }
}
