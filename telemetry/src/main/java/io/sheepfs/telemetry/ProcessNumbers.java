package io.sheepfs.telemetry;

import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the process uses. */
final class ProcessNumbers {

  private ProcessNumbers() {}

  static void addTo(MetricList list) {
    MemoryMXBean memory = ManagementFactory.getMemoryMXBean();
    long collections = 0;
    long collectionMillis = 0;
    for (GarbageCollectorMXBean collector : ManagementFactory.getGarbageCollectorMXBeans()) {
      collections += Math.max(0, collector.getCollectionCount());
      collectionMillis += Math.max(0, collector.getCollectionTime());
    }
    list.gauge("process_heap_used_bytes", "Java heap in use", memory.getHeapMemoryUsage().getUsed())
        .gauge("process_heap_max_bytes", "Its limit", memory.getHeapMemoryUsage().getMax())
        .counter("process_collections", "Garbage collections", collections)
        .counter("process_collection_seconds", "Time they took", collectionMillis / 1e3)
        .gauge("process_threads", "Threads", ManagementFactory.getThreadMXBean().getThreadCount())
        .gauge("process_open_files", "Open file descriptors", openFiles())
        .gauge(
            "process_start_time_seconds",
            "When the process began, as seconds since 1970",
            ManagementFactory.getRuntimeMXBean().getStartTime() / 1e3);
  }

  private static long openFiles() {
    long count = 0;
    try (DirectoryStream<Path> files = Files.newDirectoryStream(Path.of("/proc/self/fd"))) {
      for (Path unused : files) {
        count++;
      }
    } catch (java.io.IOException e) {
      return 0; // no /proc
    }
    return count;
  }
}
