package io.sheepfs.sbd.map;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Runs the programs of the system, directly: no shell ever sees a name. */
final class Program {

  private static final long DEADLINE_SECONDS = 120;

  private Program() {}

  /**
   * Runs a program to its end.
   *
   * @return what it printed, without blanks around it
   * @throws IOException with what it said, if it failed, is not there or does not end
   */
  static String run(String... command) throws IOException {
    Path output = Files.createTempFile("sbd", ".out");
    try {
      // not a pipe: a daemon that it leaves behind would keep that open
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
              .redirectOutput(output.toFile())
              .start();
      boolean ended = process.waitFor(DEADLINE_SECONDS, TimeUnit.SECONDS);
      String said = new String(Files.readAllBytes(output), StandardCharsets.UTF_8).strip();
      if (!ended) {
        process.destroyForcibly();
        throw new IOException(command[0] + " does not end: " + said);
      }
      if (process.exitValue() != 0) {
        throw new IOException(
            said.isEmpty() ? List.of(command) + " failed with " + process.exitValue() : said);
      }
      return said;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while " + command[0] + " ran", e);
    } finally {
      Files.deleteIfExists(output);
    }
  }
}
