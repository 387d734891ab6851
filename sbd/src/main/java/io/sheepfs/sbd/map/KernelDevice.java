package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A block device of the kernel, whatever is behind it. */
abstract sealed class KernelDevice permits LoopDevice, NbdDevice {

  /** What the kernel merges requests to, at most: an object, as mail 4 recommends. */
  private static final int MAX_REQUEST_KIB = 4096;

  private final Path node;

  /** What the kernel tells about it. */
  final Path system;

  KernelDevice(String node) {
    this.node = Path.of(node);
    this.system = Path.of("/sys/block").resolve(String.valueOf(this.node.getFileName()));
  }

  final String node() {
    return node.toString();
  }

  final void enlargeRequests() throws IOException {
    Path most = system.resolve("queue/max_hw_sectors_kb");
    Path now = system.resolve("queue/max_sectors_kb");
    if (Files.isReadable(most) && Files.isWritable(now)) {
      int limit = Integer.parseInt(Files.readString(most).strip());
      Files.writeString(now, Integer.toString(Math.min(limit, MAX_REQUEST_KIB)));
    }
  }

  final long sizeBytes() throws IOException {
    return Long.parseLong(Files.readString(system.resolve("size")).strip()) * 512;
  }

  /** The partitions that the kernel knows: their numbers. */
  final List<Integer> partitions() throws IOException {
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
  final List<String> users() throws IOException {
    final List<String> users = new ArrayList<>();
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
}
