package io.sheepfs.fuse;

import io.sheepfs.telemetry.DaemonLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sets up the log before the first logger is made. */
final class Logging {

  private Logging() {}

  static void configure(MountConfig config, Console console) {
    config.telemetry().configureLog(config.debug());
    if (!console.isLaunched()) {
      return;
    }
    Path file = logFile(config.logFile());
    if (file == null) {
      console.info("no place for a log file; use --log-file. This mount does not log");
      return;
    }
    try {
      DaemonLog.appendTo(file);
    } catch (IOException e) {
      console.info(String.valueOf(e.getMessage()));
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
