package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * The process behind a device, found by what it was started with: it may be of an earlier command.
 *
 * @param mainClass what it runs
 * @param argument one of its arguments, which no other process of that class has
 */
record PrivateProcess(String mainClass, String argument) {

  /** The last flush is bounded by the timeouts of the process itself. */
  private static final Duration END_PATIENCE = Duration.ofMinutes(10);

  /** The processes; one, or none. */
  List<ProcessHandle> running() {
    return ProcessHandle.allProcesses().filter(this::isOurs).toList();
  }

  /** Returns when there is none any more. */
  void awaitEnd() throws IOException {
    if (!Patience.waitsFor(END_PATIENCE, () -> running().isEmpty())) {
      throw new IOException("the process of " + argument + " does not end");
    }
  }

  private boolean isOurs(ProcessHandle process) {
    try {
      Path file = Path.of("/proc", Long.toString(process.pid()), "cmdline");
      String line = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
      List<String> arguments = List.of(line.split("\0", -1));
      return arguments.contains(mainClass) && arguments.contains(argument);
    } catch (IOException ended) {
      return false;
    }
  }
}
