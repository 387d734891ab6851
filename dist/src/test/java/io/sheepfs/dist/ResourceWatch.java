package io.sheepfs.dist;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToLongFunction;

/**
 * Looks from time to time at what processes that live long use, and says in the end whether that
 * grew: heap, all private memory (which holds the direct memory, too), open files, threads. Not
 * safe for several threads.
 */
final class ResourceWatch {

  /** So many looks at one process are needed to say anything; the first of them are its start. */
  private static final int FEWEST = 12;

  private static final long MIB = 1 << 20;
  private static final long MORE_HEAP = 64 * MIB;
  private static final long MORE_MEMORY = 192 * MIB;
  private static final long MORE_FILES = 128;
  private static final long MORE_THREADS = 24;

  /** One look. */
  private record Look(long heap, long memory, long files, long threads) {}

  /** What may grow, and how much, between two parts of a run. */
  private record Kind(
      String name, ToLongFunction<Look> of, boolean least, long allowance, long unit) {}

  private static final List<Kind> KINDS =
      List.of(
          new Kind("heap MiB", Look::heap, true, MORE_HEAP, MIB),
          new Kind("memory MiB", Look::memory, true, MORE_MEMORY, MIB),
          new Kind("files", Look::files, false, MORE_FILES, 1),
          new Kind("threads", Look::threads, false, MORE_THREADS, 1));

  private final Map<String, List<Look>> looks = new LinkedHashMap<>();

  /** Looks at a mount. */
  void look(MountedStore mounted) throws IOException {
    look("sheepfs", mounted.pid(), mounted.counter("sheepfs_process_heap_used_bytes"));
  }

  /** Looks at this process. */
  void lookAtThis() throws IOException {
    long heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    look("this", ProcessHandle.current().pid(), heap);
  }

  private void look(String name, long pid, long heap) throws IOException {
    Path process = Path.of("/proc", Long.toString(pid));
    looks
        .computeIfAbsent(name + " " + pid, first -> new ArrayList<>())
        .add(
            new Look(
                heap,
                privateMemory(process),
                entries(process.resolve("fd")),
                entries(process.resolve("task"))));
  }

  private static long privateMemory(Path process) throws IOException {
    for (String line : Files.readAllLines(process.resolve("status"))) {
      if (line.startsWith("RssAnon:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
      }
    }
    throw new IOException(process + " tells of no memory");
  }

  private static long entries(Path directory) throws IOException {
    long count = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path unused : entries) {
        count++;
      }
    }
    return count;
  }

  /** The process that was looked at most: early and late. */
  String figures() {
    List<Look> most =
        looks.values().stream().max(Comparator.comparingInt(List::size)).orElse(List.of());
    if (most.size() < FEWEST) {
      return "resources: too short a run to say";
    }
    StringBuilder text = new StringBuilder("resources, early and late:");
    for (Kind kind : KINDS) {
      text.append(' ').append(kind.name()).append(' ');
      text.append(early(kind, most) / kind.unit()).append(" -> ");
      text.append(late(kind, most) / kind.unit()).append(';');
    }
    return text.toString();
  }

  /**
   * Fails if something grew, or if a mount or a loop device of {@code folder} is left.
   *
   * @throws AssertionError with the figures
   */
  void check(Path folder) throws IOException {
    for (Map.Entry<String, List<Look>> process : looks.entrySet()) {
      if (process.getValue().size() < FEWEST) {
        continue;
      }
      for (Kind kind : KINDS) {
        long early = early(kind, process.getValue());
        long late = late(kind, process.getValue());
        if (late > early + early / 2 + kind.allowance()) {
          throw new AssertionError(
              process.getKey() + " grows: " + kind.name() + " " + early + " -> " + late);
        }
      }
    }
    for (String line : Files.readAllLines(Path.of("/proc/self/mounts"))) {
      if (line.contains(" " + folder + "/")) {
        throw new AssertionError("a mount is left: " + line);
      }
    }
    try (DirectoryStream<Path> loops = Files.newDirectoryStream(Path.of("/sys/block"), "loop*")) {
      for (Path loop : loops) {
        Path backing = loop.resolve("loop/backing_file");
        if (Files.exists(backing) && Files.readString(backing).startsWith(folder + "/")) {
          throw new AssertionError("a loop device is left: " + loop.getFileName());
        }
      }
    }
  }

  /** In the second quarter; the first is the start. */
  private static long early(Kind kind, List<Look> all) {
    return of(kind, all.subList(all.size() / 4, all.size() / 2));
  }

  private static long late(Kind kind, List<Look> all) {
    return of(kind, all.subList(all.size() * 3 / 4, all.size()));
  }

  /** Memory that waits for the collector is no leak: of it the least counts. */
  private static long of(Kind kind, List<Look> part) {
    var values = part.stream().mapToLong(kind.of());
    return (kind.least() ? values.min() : values.max()).orElse(0);
  }
}
