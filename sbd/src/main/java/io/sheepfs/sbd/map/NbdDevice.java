package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A device of the kernel's NBD client, which nbd-client(8) sets up. */
final class NbdDevice extends KernelDevice {

  private static final Duration DISCONNECT_PATIENCE = Duration.ofSeconds(30);

  /** A connection is a queue of the device; more than a few bring nothing. */
  private static final int MAX_CONNECTIONS = 4;

  /** What a loop device has, so that a table of partitions means the same on both. */
  private static final int BLOCK_SIZE = 512;

  /**
   * How much longer the kernel waits than the server does, which answers with an error by then: a
   * server that does not is stopped, or hangs.
   */
  private static final Duration KERNEL_GRACE = Duration.ofSeconds(30);

  private static final Pattern CONNECTED =
      Pattern.compile("^Connected (/dev/nbd\\d+)", Pattern.MULTILINE);

  NbdDevice(String node) {
    super(node);
  }

  /**
   * Loads the kernel's driver, unless it is there.
   *
   * @throws IOException if this kernel has none
   */
  static void requireKernel() throws IOException {
    if (Files.isDirectory(Path.of("/sys/module/nbd"))) {
      return;
    }
    try {
      Program.run("modprobe", "nbd");
    } catch (IOException e) {
      throw new IOException(
          "this kernel has no nbd (" + e.getMessage() + "); without --nbd a loop device is made",
          e);
    }
  }

  /**
   * Connects the lowest device that is free.
   *
   * @param socket where the server listens
   * @param timeout after which the server answers with an error
   */
  static NbdDevice connect(Path socket, Target target, Duration timeout) throws IOException {
    int connections = Math.min(MAX_CONNECTIONS, Runtime.getRuntime().availableProcessors());
    String said;
    try {
      said =
          Program.run(
              "nbd-client",
              "-unix",
              socket.toString(),
              "-name",
              target.name(),
              "-block-size",
              Integer.toString(BLOCK_SIZE),
              "-connections",
              Integer.toString(connections),
              "-timeout",
              Long.toString(timeout.plus(KERNEL_GRACE).toSeconds()));
    } catch (IOException e) {
      throw new IOException("cannot connect to " + target + ": " + e.getMessage(), e);
    }
    Matcher connected = CONNECTED.matcher(said);
    if (!connected.find()) {
      throw new IOException("nbd-client did not say which device it connected: " + said);
    }
    NbdDevice device = new NbdDevice(connected.group(1));
    boolean done = false;
    try {
      device.enlargeRequests();
      device.findPartitions();
      done = true;
      return device;
    } finally {
      if (!done) {
        device.disconnect();
      }
    }
  }

  /** The kernel looks for partitions when a device that was just connected is opened. */
  private void findPartitions() throws IOException {
    FileChannel.open(Path.of(node()), StandardOpenOption.READ).close();
  }

  boolean isReadOnly() throws IOException {
    return Files.readString(system.resolve("ro")).strip().equals("1");
  }

  /** What tells this connection from a later one of the same device; empty if there is none. */
  String session() {
    try {
      return Files.readString(system.resolve("pid")).strip();
    } catch (IOException notConnected) {
      return "";
    }
  }

  /** Returns when all that was written to the device is safe. */
  void flush() throws IOException {
    try (FileChannel channel = FileChannel.open(Path.of(node()), StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  void disconnect() throws IOException {
    Program.run("nbd-client", "-disconnect", node());
    if (!Patience.waitsFor(DISCONNECT_PATIENCE, () -> session().isEmpty())) {
      throw new IOException(node() + " does not disconnect");
    }
  }
}
