package io.sheepfs.fuse;

import io.sheepfs.fuse.control.MountTable;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code sheepfs warm}: whole VDIs are in the cache of a mount before they are read. */
@Command(
    name = "sheepfs warm",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description =
        "Fetches VDIs into the cache of a mount, and returns when they are there. Who interrupts it"
            + " does not stop the fetching.",
    footer = {
      "",
      "Exit codes: 0 done, 1 wrong usage, 2 not all is in the cache, 32 no such mount."
    })
final class WarmCommand implements Callable<Integer> {

  private final PrintStream out;
  private final PrintStream err;
  private final boolean terminal;

  @Parameters(index = "0", paramLabel = "MOUNTPOINT", description = "The mount.")
  private Path mountpoint = Path.of("");

  @Parameters(index = "1..*", arity = "1..*", paramLabel = "VDI", description = "What to fetch.")
  private List<String> vdis = List.of();

  @Option(
      names = {"-b", "--background"},
      description = "Begin, and do not wait.")
  private boolean background;

  @Option(names = "--stop", description = "End a fetching that goes on.")
  private boolean stop;

  /**
   * The command.
   *
   * @param terminal whether a person watches {@code out}, and wants to see how far it is
   */
  WarmCommand(PrintStream out, PrintStream err, boolean terminal) {
    this.out = out;
    this.err = err;
    this.terminal = terminal;
  }

  /** What the mount says of a VDI: a state, and how many bytes of how many are done. */
  private record Warmth(String state, long doneBytes, long totalBytes) {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    MountTable.Entry mount = UmountCommand.find(mountpoint);
    if (mount == null) {
      err.println("sheepfs: " + mountpoint + " is not a mount of sheepfs");
      return AdminCommand.EXIT_FAILED;
    }
    Path control = mount.mountpoint().resolve("config/objectcache");
    if (Files.readString(control).strip().equals("off")) {
      err.println("sheepfs: the mount has no cache; see --cache-mode in 'sheepfs --help'");
      return AdminCommand.EXIT_SYSTEM;
    }
    int worst = AdminCommand.EXIT_OK;
    for (String vdi : vdis) {
      if (!warm(control, vdi)) {
        worst = AdminCommand.EXIT_SYSTEM;
      }
    }
    return worst;
  }

  private boolean warm(Path control, String vdi) throws IOException, InterruptedException {
    try {
      Files.writeString(control, "warm " + vdi + (stop ? " stop" : "") + "\n");
    } catch (FileSystemException e) {
      err.println("sheepfs: " + vdi + " cannot be fetched: " + e.getReason());
      return false;
    }
    if (stop || background) {
      return true;
    }
    Warmth now = find(control, vdi);
    while (now != null && now.state.equals("running")) {
      if (terminal) {
        out.print("\r" + vdi + ": " + text(now));
        out.flush();
      }
      TimeUnit.MILLISECONDS.sleep(200);
      now = find(control, vdi);
    }
    if (terminal && now != null) {
      out.println("\r" + vdi + ": " + text(now));
    }
    if (now != null && now.state.equals("done")) {
      return true;
    }
    err.println("sheepfs: " + vdi + ": " + complaint(now));
    return false;
  }

  private static String text(Warmth warmth) {
    return FlushProgress.text(warmth.doneBytes) + " of " + FlushProgress.text(warmth.totalBytes);
  }

  private static String complaint(@Nullable Warmth warmth) {
    return switch (warmth == null ? "" : warmth.state) {
      case "full" -> "the cache, or its quota, has no room for more than this; see --cache-size";
      case "stopped" ->
          "it was stopped: by 'sheepfs warm --stop', or as another client writes this VDI, or the last"
              + " that did had no cache";
      case "failed" -> "it cannot be read; the log of the mount says why";
      default -> "the mount says nothing about it";
    };
  }

  /** The line {@code warm STATE DONE TOTAL NAME} about a VDI; null if there is none. */
  private static @Nullable Warmth find(Path control, String vdi) throws IOException {
    for (String line : Files.readAllLines(control)) {
      String[] words = line.split(" ", 5);
      if (words.length == 5 && words[0].equals("warm") && words[4].equals(vdi)) {
        return new Warmth(words[1], Long.parseLong(words[2]), Long.parseLong(words[3]));
      }
    }
    return null;
  }
}
