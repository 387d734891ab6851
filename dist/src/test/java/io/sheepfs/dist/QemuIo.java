package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A qemu-io that stays attached to a disk, and does one command after the other. */
final class QemuIo implements AutoCloseable {

  private static final String PROMPT = "qemu-io> ";

  private final Process process;
  private final Path output;
  private final Writer commands;
  private int sent;

  /** Opens a disk with the arguments of qemu-io. */
  QemuIo(Path folder, String... arguments) throws IOException, InterruptedException {
    output = Files.createTempFile(folder, "qemu-io", ".out");
    // a file as its output would otherwise be written in blocks, at the end
    List<String> command = new ArrayList<>(List.of("stdbuf", "-oL", "qemu-io"));
    command.addAll(List.of(arguments));
    process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    commands = process.outputWriter(StandardCharsets.UTF_8);
    awaitPrompt();
    assertTrue(process.isAlive(), this::read);
  }

  /** Runs a command to its end and returns what it printed. */
  String run(String command) throws IOException, InterruptedException {
    return finish(begin(command));
  }

  /** Begins a command, to be {@link #finish}ed. Returns where its output starts. */
  int begin(String command) throws IOException {
    int start = read().length();
    commands.write(command + "\n");
    commands.flush();
    sent++;
    return start;
  }

  /** Waits for the last command that was begun. */
  String finish(int start) throws InterruptedException {
    awaitPrompt();
    return read().substring(start);
  }

  private void awaitPrompt() throws InterruptedException {
    Shell.eventually("qemu-io is done", () -> !process.isAlive() || prompts() > sent);
  }

  private int prompts() {
    return read().split(PROMPT, -1).length - 1;
  }

  private String read() {
    try {
      return Files.readString(output);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() throws IOException {
    commands.close();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
