package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A loop device of the kernel. */
final class LoopDevice {

  /** What the kernel merges requests to, at most: an object, as mail 4 recommends. */
  private static final int MAX_REQUEST_KIB = 4096;

  private static final Duration DETACH_PATIENCE = Duration.ofSeconds(30);

  private final Path node;
  private final Path system;

  LoopDevice(String node) {
    this.node = Path.of(node);
    this.system = Path.of("/sys/block").resolve(String.valueOf(this.node.getFileName()));
  }

  /** Makes one over a file, with direct I/O, its partitions looked for. */
  static LoopDevice attach(Path file, boolean readOnly) throws IOException {
    List<String> command = new ArrayList<>();
    command.addAll(List.of("losetup", "--find", "--show", "--partscan", "--direct-io=on"));
    if (readOnly) {
      command.add("--read-only");
    }
    command.add(file.toString());
    LoopDevice device = new LoopDevice(Program.run(command.toArray(String[]::new)));
    device.enlargeRequests();
    return device;
  }

  private void enlargeRequests() throws IOException {
    Path most = system.resolve("queue/max_hw_sectors_kb");
    Path now = system.resolve("queue/max_sectors_kb");
    if (Files.isReadable(most) && Files.isWritable(now)) {
      int limit = Integer.parseInt(Files.readString(most).strip());
      Files.writeString(now, Integer.toString(Math.min(limit, MAX_REQUEST_KIB)));
    }
  }

  String node() {
    return node.toString();
  }

  /** The file that it is over; null if it is free. */
  @Nullable String backingFile() {
    try {
      byte[] file = Files.readAllBytes(system.resolve("loop/backing_file"));
      return new String(file, StandardCharsets.UTF_8).strip();
    } catch (IOException free) {
      return null;
    }
  }

  /** Whether it is over a file of ours. The kernel marks one whose mount is gone. */
  boolean isOver(String file) {
    String backing = backingFile();
    return backing != null && (backing.equals(file) || backing.equals(file + " (deleted)"));
  }

  long sizeBytes() throws IOException {
    return Long.parseLong(Files.readString(system.resolve("size")).strip()) * 512;
  }

  /** The partitions that the kernel knows: their numbers. */
  List<Integer> partitions() throws IOException {
    List<Integer> numbers = new ArrayList<>();
    String prefix = node.getFileName() + "p";
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(system, prefix + "*")) {
      for (Path entry : entries) {
        String number = String.valueOf(entry.getFileName()).substring(prefix.length());
        if (number.matches("[0-9]{1,4}")) {
          numbers.add(Integer.valueOf(number));
        }
      }
    }
    return numbers;
  }

  /** Who uses the device or a partition of it, in words; empty if nobody does. */
  List<String> users() throws IOException {
    List<String> users = new ArrayList<>();
    for (String table : List.of("/proc/self/mounts", "/proc/swaps")) {
      for (String line : Files.readString(Path.of(table)).split("\n", -1)) {
        String[] fields = line.split(" +", -1);
        if (isOurs(realPath(Path.of("/", fields[0])))) {
          users.add(table.endsWith("swaps") ? "swap" : "a file system at " + fields[1]);
        }
      }
    }
    try (DirectoryStream<Path> holders = Files.newDirectoryStream(system.resolve("holders"))) {
      holders.forEach(holder -> users.add("the device " + holder.getFileName()));
    }
    for (ProcessHandle process : ProcessHandle.allProcesses().toList()) {
      if (hasOpen(process)) {
        users.add("process " + process.pid() + name(process.info().command()));
      }
    }
    return users;
  }

  private static String name(Optional<String> command) {
    return command.map(path -> " (" + Path.of(path).getFileName() + ")").orElse("");
  }

  private boolean hasOpen(ProcessHandle process) {
    Path descriptors = Path.of("/proc", Long.toString(process.pid()), "fd");
    try (DirectoryStream<Path> open = Files.newDirectoryStream(descriptors)) {
      for (Path descriptor : open) {
        if (isOurs(Files.readSymbolicLink(descriptor))) {
          return true;
        }
      }
    } catch (IOException | java.nio.file.DirectoryIteratorException e) {
      return false; // it has ended meanwhile
    }
    return false;
  }

  private boolean isOurs(Path device) {
    String path = device.toString();
    return path.equals(node.toString()) || path.matches(node + "p[0-9]+");
  }

  private static Path realPath(Path path) {
    try {
      return path.toRealPath();
    } catch (IOException e) {
      return path;
    }
  }

  /**
   * Writes out what the kernel holds and frees the device.
   *
   * @return false if somebody still uses it; then it frees itself at the last close
   */
  boolean detach() throws IOException {
    Program.run("losetup", "--detach", node.toString());
    return Patience.waitsFor(
        users().isEmpty() ? DETACH_PATIENCE : Duration.ZERO, () -> backingFile() == null);
  }
}
