package io.sheepfs.dist;

import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A sheep that is a process of its own, formatted, with its objects in a folder: for programs that
 * map files of a mount into their memory. The kernel writes changed pages when a mapping ends, and
 * keeps the memory of the program locked meanwhile; a {@link ServedFolder} of the same program
 * would wait for that, and the kernel for it.
 */
final class SheepProcess implements AutoCloseable {

  private static final Pattern SERVING = Pattern.compile("serving .* port ([0-9]+)");

  private final Process process;
  private final int port;

  /** Serves {@code folder/store} on a free port. */
  SheepProcess(Path folder) throws IOException, InterruptedException {
    Path store = folder.resolve("store");
    LocalSheep.open(store, LocalSheepOptions.defaults()).close();
    Path log = Files.createTempFile(folder, "sheep", ".log");
    process =
        new ProcessBuilder(
                MountedStore.ROOT.resolve("bin/sheep").toString(),
                "-f",
                "-b",
                "127.0.0.1",
                "-p",
                "0",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroy, "sheep-end"));
    try {
      Shell.eventually(
          "the sheep serves, or ended", () -> serving(log).find() || !process.isAlive());
      Matcher serving = serving(log);
      if (!serving.find()) {
        throw new AssertionError("the sheep ended:\n" + Files.readString(log));
      }
      port = Integer.parseInt(serving.group(1));
    } catch (IOException | InterruptedException | RuntimeException | Error e) {
      Process unused = process.destroyForcibly();
      throw e;
    }
  }

  private static Matcher serving(Path log) {
    try {
      return SERVING.matcher(Files.readString(log));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  int port() {
    return port;
  }

  /** Ends it in good order. */
  @Override
  public void close() {
    process.destroy();
    Process unused = process.onExit().join();
  }
}
