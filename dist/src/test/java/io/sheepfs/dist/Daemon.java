package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** One of our programs in the foreground, its output in a log; gone when it is closed. */
final class Daemon implements AutoCloseable {

  private final Process process;
  private final Path log;

  private Daemon(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /**
   * Starts a program of bin/ and waits until it logs that it is ready.
   *
   * @param folder where the log is kept
   * @param ready what it logs then
   */
  static Daemon start(Path folder, String ready, String program, String... arguments)
      throws IOException, InterruptedException {
    Path log = Files.createTempFile(folder, program, ".log");
    List<String> command = new ArrayList<>();
    command.add(MountedStore.ROOT.resolve("bin").resolve(program).toString());
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()))
            .start();
    Daemon daemon = new Daemon(process, log);
    boolean done = false;
    try {
      Shell.eventually(
          program + " is ready, or ended",
          () -> !process.isAlive() || daemon.log().contains(ready));
      assertTrue(daemon.log().contains(ready), daemon::log);
      done = true;
      return daemon;
    } finally {
      if (!done) {
        daemon.close();
      }
    }
  }

  String log() {
    try {
      return Files.readString(log, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Asks it to end, which it must do well. */
  void terminate() throws IOException, InterruptedException {
    Shell.check("kill", "-TERM", Long.toString(process.pid()));
    assertTrue(process.waitFor(60, TimeUnit.SECONDS), () -> "it does not end:\n" + log());
    assertEquals(0, process.exitValue(), this::log);
  }

  @Override
  public void close() {
    try {
      kill();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
