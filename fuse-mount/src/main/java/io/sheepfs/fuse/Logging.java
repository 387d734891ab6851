package io.sheepfs.fuse;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sets up the log before the first logger is made. */
final class Logging {

  private static final String PREFIX = "org.slf4j.simpleLogger.";

  private Logging() {}

  static void configure(MountConfig config, Console console) {
    System.setProperty(PREFIX + "defaultLogLevel", config.debug() ? "debug" : "warn");
    System.setProperty(PREFIX + "log.io.sheepfs", config.debug() ? "debug" : "info");
    System.setProperty(PREFIX + "log.io.netty", "warn");
    System.setProperty(PREFIX + "showDateTime", "true");
    System.setProperty(PREFIX + "dateTimeFormat", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX");
    System.setProperty(PREFIX + "showShortLogName", "true");
    if (!console.isLaunched()) {
      return;
    }
    Path file = logFile(config.logFile());
    if (file == null) {
      console.info("no place for a log file; use --log-file. This mount does not log");
      return;
    }
    try {
      // the simple logger would empty a file of its own; appending is up to us
      OutputStream log = new FileOutputStream(file.toFile(), true);
      System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    } catch (IOException e) {
      console.info("cannot log to " + file + ": " + e.getMessage());
    }
  }

  private static @Nullable Path logFile(@Nullable Path wanted) {
    List<Path> candidates =
        wanted != null
            ? List.of(wanted)
            : List.of(Path.of("/var/log/sheepfs.log"), stateDirectory().resolve("sheepfs.log"));
    for (Path candidate : candidates) {
      if (isAppendable(candidate.toAbsolutePath())) {
        return candidate.toAbsolutePath();
      }
    }
    return null;
  }

  private static boolean isAppendable(Path file) {
    try {
      Path parent = file.getParent();
      if (parent != null) {
        Files.createDirectories(parent);
      }
      if (!Files.exists(file)) {
        Files.createFile(file);
      }
      return Files.isWritable(file);
    } catch (IOException e) {
      return false;
    }
  }

  private static Path stateDirectory() {
    String state = System.getenv("XDG_STATE_HOME");
    return state != null && !state.isEmpty()
        ? Path.of(state, "sheepfs")
        : Path.of(System.getProperty("user.home", "/"), ".local", "state", "sheepfs");
  }
}
