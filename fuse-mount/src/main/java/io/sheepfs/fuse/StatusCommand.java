package io.sheepfs.fuse;

import io.sheepfs.fuse.control.ControlClient;
import io.sheepfs.fuse.control.MountTable;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code sheepfs status}: what is mounted, and how each mount does. */
@Command(
    name = "sheepfs status",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description = "Shows the mounts of this machine, or those that are named.",
    footer = {
      "",
      "Exit codes: 0 all live, 1 wrong usage, 2 one does not answer, 32 no such mount."
    })
final class StatusCommand implements Callable<Integer> {

  private final PrintStream out;
  private final PrintStream err;

  @Parameters(arity = "0..*", paramLabel = "MOUNTPOINT", description = "What to show.")
  private List<Path> mountpoints = List.of();

  StatusCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException {
    int worst = AdminCommand.EXIT_OK;
    if (mountpoints.isEmpty()) {
      List<MountTable.Entry> all =
          MountTable.read().stream().filter(m -> m.type().equals(MountTable.TYPE)).toList();
      if (all.isEmpty()) {
        out.println("Nothing is mounted.");
      }
      for (MountTable.Entry mount : all) {
        worst = Math.max(worst, show(mount));
      }
      return worst;
    }
    for (Path mountpoint : mountpoints) {
      MountTable.Entry mount = UmountCommand.find(mountpoint);
      if (mount == null) {
        err.println("sheepfs: " + mountpoint + " is not a mount of sheepfs");
        worst = AdminCommand.EXIT_FAILED;
      } else {
        worst = Math.max(worst, show(mount));
      }
    }
    return worst;
  }

  private int show(MountTable.Entry mount) {
    out.println(mount.mountpoint() + " (" + mount.source() + ")");
    try (ControlClient client = ControlClient.ask(mount, "status")) {
      for (String line = client.line(); line != null; line = client.line()) {
        out.println("  " + line);
      }
      return AdminCommand.EXIT_OK;
    } catch (IOException e) {
      out.println("  does not answer: " + e.getMessage());
      return AdminCommand.EXIT_SYSTEM;
    }
  }
}
