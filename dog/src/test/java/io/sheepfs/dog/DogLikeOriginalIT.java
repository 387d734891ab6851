package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * Our dog beside the original's, on clusters of three of the original's sheep: what they print and
 * how they end. {@code -Dsheepfs.csheep=DIR} names a directory with its programs {@code sheep} and
 * {@code dog}, {@code -Dsheepfs.csheep.port=N} the first of 8 free ports. Messages for people, on
 * standard error, may have other words; that there is one is compared. After a wrong argument the
 * original prints how to use it, and ours says how to learn that: only the exit code is compared.
 * docs/dog-compat.md has the table of what is compared.
 */
@EnabledIfSystemProperty(named = "sheepfs.csheep", matches = ".+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class DogLikeOriginalIT {

  private static final int PORT = Integer.getInteger("sheepfs.csheep.port", 17_241);

  @TempDir private Path folder;

  private final Map<String, byte[]> files = new HashMap<>();

  @Test
  void everyCommand_onTheOriginalsSheep_asTheOriginal() throws Exception {
    List<String> unexpected = new ArrayList<>();
    try (OriginalCluster theirs = new OriginalCluster(folder.resolve("theirs"), PORT, 3);
        OriginalCluster ours = new OriginalCluster(folder.resolve("ours"), PORT + 4, 3)) {
      String reason = null;
      for (String line : OriginalCommandsTest.lines()) {
        if (line.startsWith("~ ")) {
          reason = line.substring(2);
          continue;
        }
        String command = line.substring(2);
        if (line.startsWith("% ")) {
          theirs.prepare(command);
          ours.prepare(command);
          continue;
        }
        Outcome want = theirs.original(command, files);
        Outcome got =
            switch (line.charAt(0)) {
              case '?' -> theirs.our(command, files);
              case '!' -> ours.our(command, files);
              case '=' -> ours.original(command, files);
              default -> throw new IllegalArgumentException(line);
            };
        String difference = got.differenceTo(want);
        if ((difference == null) != (reason == null)) {
          unexpected.add("$ dog " + command + "\n" + difference + "\nexpected: " + reason);
        }
        reason = null;
      }
    }
    assertEquals("", String.join("\n\n", unexpected));
  }

  /**
   * How a command ended.
   *
   * @param out its standard output, a character for each byte
   */
  record Outcome(int exitCode, String out, String err) {

    /** What differs from the original's outcome; null if nothing does. */
    @Nullable String differenceTo(Outcome other) {
      boolean same =
          exitCode == other.exitCode
              && (exitCode == ExitCode.USAGE.code()
                  || (out.equals(other.out) && err.isBlank() == other.err.isBlank()));
      return same ? null : "theirs: " + other.text() + "\nours:   " + text();
    }

    private String text() {
      return exitCode
          + "\n"
          + (out.length() > 4000 ? out.length() + " bytes" : out)
          + "\nerr: "
          + err;
    }
  }
}
