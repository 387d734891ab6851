package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A loop device. */
final class LoopDevice extends KernelDevice {

  private static final Duration DETACH_PATIENCE = Duration.ofSeconds(30);

  LoopDevice(String node) {
    super(node);
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

  /**
   * Writes out what the kernel holds and frees the device.
   *
   * @return false if somebody still uses it; then it frees itself at the last close
   */
  boolean detach() throws IOException {
    Program.run("losetup", "--detach", node());
    return Patience.waitsFor(
        users().isEmpty() ? DETACH_PATIENCE : Duration.ZERO, () -> backingFile() == null);
  }
}
