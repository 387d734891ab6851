package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A sheepfs process, started by its launcher; gone when it is closed. */
final class MountedStore implements AutoCloseable {

  /** The folder of the checkout. */
  static final Path ROOT = Path.of("..").toAbsolutePath().normalize();

  private static final Path MOUNTS = Path.of("/proc/self/mounts");

  private final Path mountpoint;
  private final Path store;
  private final Path log;
  private final Process process;

  private MountedStore(Path mountpoint, Path store, Path log, Process process) {
    this.mountpoint = mountpoint;
    this.store = store;
    this.log = log;
    this.process = process;
  }

  /** Mounts {@code folder/store} at {@code folder/mnt}; both are made if they are not there. */
  static MountedStore start(Path folder, String transport, String... options)
      throws IOException, InterruptedException {
    List<String> embedded = List.of("--store", folder.resolve("store").toString());
    return start(folder, transport, embedded, options);
  }

  /**
   * Mounts a cluster whose objects are in {@code folder/store}, too.
   *
   * @param cluster the options that say where it is
   */
  static MountedStore start(Path folder, String transport, List<String> cluster, String... options)
      throws IOException, InterruptedException {
    Path mountpoint = folder.resolve("mnt");
    if (!isMounted(mountpoint)) { // nothing else can be asked of a dead mount
      Files.createDirectories(mountpoint);
    }
    Path store = folder.resolve("store");
    Path log = Files.createTempFile(folder, "log", ".txt");
    List<String> command = new ArrayList<>();
    command.add(ROOT.resolve("bin/sheepfs").toString());
    command.addAll(List.of("-f", "--transport", transport));
    command.addAll(cluster);
    command.addAll(List.of(options));
    command.add(mountpoint.toString());
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    MountedStore mounted = new MountedStore(mountpoint, store, log, process);
    boolean done = false;
    try {
      Shell.eventually(
          "mounted, or the process ended", () -> mounted.isReady() || !process.isAlive());
      if (!process.isAlive()) {
        throw new AssertionError("sheepfs ended:\n" + Files.readString(log));
      }
      done = true;
    } finally {
      if (!done) {
        mounted.close();
      }
    }
    return mounted;
  }

  /** Whether this process has mounted; a mount in the table may be a dead one of an earlier. */
  private boolean isReady() {
    return logQuietly().contains(" mounted at ");
  }

  private static boolean isMounted(Path mountpoint) {
    try {
      return Files.readString(MOUNTS).contains(" " + mountpoint + " fuse");
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  Path mountpoint() {
    return mountpoint;
  }

  long pid() {
    return process.pid();
  }

  /** A number of {@code .stats}. */
  long counter(String name) throws IOException {
    String found =
        Files.readString(mountpoint.resolve(".stats"))
            .lines()
            .filter(line -> line.startsWith(name + " "))
            .findFirst()
            .orElseThrow(() -> new AssertionError("there is no " + name));
    return (long) Double.parseDouble(found.substring(found.indexOf(' ') + 1));
  }

  /** A file in volume/. */
  Path volume(String name) {
    return mountpoint.resolve("volume").resolve(name);
  }

  /** How many data objects are in the store. */
  long dataObjects() throws IOException {
    try (Stream<Path> files = Files.list(store.resolve("obj"))) {
      return files.filter(file -> String.valueOf(file.getFileName()).startsWith("00")).count();
    }
  }

  String log() throws IOException {
    return Files.readString(log);
  }

  /** Unmounts as a person would, and waits for the end, which must be a good one. */
  void unmount() throws IOException, InterruptedException {
    Shell.check("umount", mountpoint.toString());
    awaitExit(0);
  }

  /** Asks the process to end. */
  void terminate() throws IOException, InterruptedException {
    Shell.check("kill", "-TERM", Long.toString(process.pid()));
    awaitExit(0);
  }

  /** Waits for the end, which must be a good one. */
  void awaitEnd() throws IOException, InterruptedException {
    awaitExit(0);
  }

  private void awaitExit(int code) throws IOException, InterruptedException {
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      throw new AssertionError("sheepfs does not end:\n" + log());
    }
    assertEquals(code, process.exitValue(), this::logQuietly);
  }

  private String logQuietly() {
    try {
      return log();
    } catch (IOException e) {
      return e.toString();
    }
  }

  /** kill -9. The dead mount stays. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  @Override
  public void close() throws IOException {
    try {
      process.destroyForcibly().waitFor();
      if (isMounted(mountpoint)) {
        // not by way of a helper, which another test may have installed for a moment
        Shell.Result done = Shell.run("umount", "-i", "-l", mountpoint.toString());
        if (isMounted(mountpoint)) {
          throw new IOException(mountpoint + " is left behind: " + done.output());
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted; " + mountpoint + " may be left", e);
    }
  }
}
