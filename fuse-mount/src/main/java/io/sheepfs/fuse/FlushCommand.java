package io.sheepfs.fuse;

import io.sheepfs.fuse.control.ControlClient;
import io.sheepfs.fuse.control.MountTable;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sheepfs flush}: all that was written through a mount is durable in the cluster. */
@Command(
    name = "sheepfs flush",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description = "Returns when the cluster has all that was written through the mount until now.",
    footer = {"", "Exit codes: 0 done, 1 wrong usage, 2 not all is saved, 32 no such mount."})
final class FlushCommand implements Callable<Integer> {

  private final PrintStream out;
  private final PrintStream err;

  @Parameters(arity = "1..*", paramLabel = "MOUNTPOINT", description = "What to flush.")
  private List<Path> mountpoints = List.of();

  FlushCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    int worst = AdminCommand.EXIT_OK;
    for (Path mountpoint : mountpoints) {
      MountTable.Entry mount = UmountCommand.find(mountpoint);
      if (mount == null) {
        err.println("sheepfs: " + mountpoint + " is not a mount of sheepfs");
        worst = AdminCommand.EXIT_FAILED;
      } else if (!flush(mount, out::println, err)) {
        worst = Math.max(worst, AdminCommand.EXIT_SYSTEM);
      }
    }
    return worst;
  }

  /** Flushes what the kernel still has of the mount, and then the mount. */
  static boolean flush(MountTable.Entry mount, Consumer<String> tell, PrintStream err)
      throws IOException, InterruptedException {
    Process sync =
        new ProcessBuilder("sync", "-f", mount.mountpoint().toString())
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    if (sync.waitFor() != 0) {
      return false;
    }
    try (ControlClient client = ControlClient.ask(mount, "flush")) {
      String line = client.line();
      while (line != null && !line.equals("OK") && !line.startsWith("ERROR ")) {
        tell.accept(line);
        line = client.line();
      }
      if ("OK".equals(line)) {
        return true;
      }
      err.println("sheepfs: " + (line == null ? "the mount went away" : line.substring(6)));
      return false;
    }
  }
}
