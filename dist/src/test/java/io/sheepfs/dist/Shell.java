package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;

/** Runs programs, each with a deadline. */
final class Shell {

  /** What a program left behind: its exit code, and both outputs together. */
  record Result(int exitCode, String output) {}

  private static final Duration DEADLINE = Duration.ofMinutes(3);

  private Shell() {}

  /** Runs a program to its end, whatever that is. */
  static Result run(String... command) throws IOException, InterruptedException {
    return run(new ProcessBuilder(command));
  }

  static Result run(ProcessBuilder builder) throws IOException, InterruptedException {
    return run(builder, DEADLINE);
  }

  /** For what may take longer than most. */
  static Result run(ProcessBuilder builder, Duration deadline)
      throws IOException, InterruptedException {
    Path output = Files.createTempFile("sheepfs-it", ".out");
    try {
      Process process = builder.redirectErrorStream(true).redirectOutput(output.toFile()).start();
      if (!process.waitFor(deadline.toSeconds(), TimeUnit.SECONDS)) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        throw new AssertionError("hangs: " + builder.command() + "\n" + Files.readString(output));
      }
      return new Result(
          process.exitValue(), new String(Files.readAllBytes(output), StandardCharsets.UTF_8));
    } finally {
      Files.delete(output);
    }
  }

  /** Runs a program that must succeed, and returns what it printed. */
  static String check(String... command) throws IOException, InterruptedException {
    Result result = run(command);
    assertEquals(0, result.exitCode(), () -> List.of(command) + "\n" + result.output());
    return result.output();
  }

  /** Runs a script that must succeed. */
  static String sh(String script, String... arguments) throws IOException, InterruptedException {
    String[] command = new String[arguments.length + 4];
    command[0] = "/bin/bash";
    command[1] = "-euo";
    command[2] = "pipefail";
    command[3] = "-c";
    String[] all = new String[command.length + 2];
    System.arraycopy(command, 0, all, 0, 4);
    all[4] = script;
    all[5] = "script";
    System.arraycopy(arguments, 0, all, 6, arguments.length);
    return check(all);
  }

  /** Waits until something is so. */
  static void eventually(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + Duration.ofSeconds(60).toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadline) {
        throw new AssertionError("it never came to: " + what);
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
  }
}
