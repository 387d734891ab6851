package io.sheepfs.fuse;

import io.sheepfs.fuse.control.ControlClient;
import io.sheepfs.fuse.control.MountTable;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code sheepfs umount}: flushes while the mount is still there, so that a flush that fails takes
 * nothing away; then unmounts, and waits for the end of the process behind it.
 */
@Command(
    name = "sheepfs umount",
    mixinStandardHelpOptions = true,
    usageHelpAutoWidth = true,
    description = "Unmounts, and returns when the cluster has everything and the process is gone.",
    footer = {
      "",
      "If the cluster does not take everything, the mount stays; --no-flush ends it all the same.",
      "Exit codes: 0 done, 1 wrong usage, 2 not all is saved, 32 not unmounted, 64 some were."
    })
final class UmountCommand implements Callable<Integer> {

  private static final int EXIT_SECONDS = 60;

  private final PrintStream out;
  private final PrintStream err;

  @Option(
      names = "--no-flush",
      description = "Leave in the cache what the cluster does not have; the next mount writes it.")
  private boolean noFlush;

  @Option(
      names = {"-l", "--lazy"},
      description = "Take it off at once; it ends, and flushes, when its last file is closed.")
  private boolean lazy;

  @Option(
      names = {"-q", "--quiet"},
      description = "Say nothing but errors.")
  private boolean quiet;

  @Parameters(arity = "1..*", paramLabel = "MOUNTPOINT", description = "What to unmount.")
  private List<Path> mountpoints = List.of();

  UmountCommand(PrintStream out, PrintStream err) {
    this.out = out;
    this.err = err;
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    int worst = AdminCommand.EXIT_OK;
    int done = 0;
    for (Path mountpoint : mountpoints) {
      int code = unmount(mountpoint);
      done += code == AdminCommand.EXIT_OK ? 1 : 0;
      worst = Math.max(worst, code);
    }
    return worst != AdminCommand.EXIT_OK && done > 0 ? AdminCommand.EXIT_SOME : worst;
  }

  private int unmount(Path wanted) throws IOException, InterruptedException {
    MountTable.Entry mount = find(wanted);
    if (mount == null) {
      err.println("sheepfs: " + wanted + " is not a mount of sheepfs");
      return AdminCommand.EXIT_FAILED;
    }
    try (ControlClient end = ControlClient.ask(mount, noFlush ? "follow no-flush" : "follow")) {
      String first = end.line();
      if (first == null || !first.startsWith("PID ")) {
        throw new IOException("strange answer: " + first);
      }
      if (!noFlush && !lazy && !FlushCommand.flush(mount, this::tell, err)) {
        err.println(
            "sheepfs: "
                + mount.mountpoint()
                + " is still mounted; --no-flush leaves what is not written out in the cache");
        return AdminCommand.EXIT_SYSTEM;
      }
      if (!take(mount.mountpoint(), lazy)) {
        return AdminCommand.EXIT_FAILED;
      }
      return lazy ? AdminCommand.EXIT_OK : follow(end, Long.parseLong(first.substring(4)));
    } catch (IOException e) {
      if (MountTable.at(mount.mountpoint()) == null) {
        throw e; // it broke on the way out
      }
      return unmountUnheard(mount.mountpoint(), e);
    }
  }

  /**
   * The mount at a path; a dead one cannot be looked at, so links are followed only if they can.
   */
  static MountTable.@Nullable Entry find(Path wanted) throws IOException {
    Path plain = wanted.toAbsolutePath().normalize();
    MountTable.Entry mount = MountTable.at(plain);
    if (mount == null) {
      try {
        mount = MountTable.at(wanted.toRealPath());
      } catch (IOException unreadable) {
        return null;
      }
    }
    return mount != null && mount.type().equals(MountTable.TYPE) ? mount : null;
  }

  private int follow(ControlClient end, long process) throws IOException, InterruptedException {
    String line = end.line();
    while (line != null && !line.equals("OK") && !line.startsWith("ERROR ")) {
      tell(line);
      line = end.line();
    }
    awaitEnd(process);
    if ("OK".equals(line)) {
      return AdminCommand.EXIT_OK;
    }
    err.println(
        "sheepfs: "
            + (line == null ? "the process died before it had saved all" : line.substring(6)));
    return AdminCommand.EXIT_SYSTEM;
  }

  private static void awaitEnd(long process) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(EXIT_SECONDS);
    // a handle sees only processes that we may ask about; the folder in /proc is there for all
    while (Files.exists(Path.of("/proc", Long.toString(process))) && !isZombie(process)) {
      if (System.nanoTime() > deadline) {
        throw new IOException("process " + process + " has saved all, but does not end");
      }
      TimeUnit.MILLISECONDS.sleep(10);
    }
  }

  /** Whether only its parent has still to hear of the end. */
  private static boolean isZombie(long process) {
    try {
      String stat =
          Files.readString(
              Path.of("/proc", Long.toString(process), "stat"), StandardCharsets.ISO_8859_1);
      return stat.startsWith(") Z", stat.lastIndexOf(')'));
    } catch (IOException gone) {
      return true;
    }
  }

  private int unmountUnheard(Path mountpoint, IOException why) throws InterruptedException {
    boolean dead = false;
    try {
      Files.readAttributes(mountpoint, "size");
    } catch (IOException e) {
      dead = true;
    }
    if (!dead) {
      err.println("sheepfs: cannot ask the process behind " + mountpoint + ": " + why.getMessage());
      return AdminCommand.EXIT_FAILED;
    }
    tell(mountpoint + " was dead (its process is gone); the next mount writes what its cache has");
    return take(mountpoint, true) ? AdminCommand.EXIT_OK : AdminCommand.EXIT_FAILED;
  }

  private void tell(String line) {
    if (!quiet) {
      out.println(line);
    }
  }

  /** Runs the system's own unmounter, which says itself what it dislikes. */
  private boolean take(Path mountpoint, boolean atOnce) throws InterruptedException {
    List<String> command = new ArrayList<>();
    try {
      boolean root =
          Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
      command.addAll(root ? List.of("umount", "-i") : List.of("fusermount3", "-u"));
      if (atOnce) {
        command.add(root ? "-l" : "-z");
      }
      command.add("--");
      command.add(mountpoint.toString());
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.INHERIT)
              .start();
      return process.waitFor() == 0;
    } catch (IOException e) {
      err.println("sheepfs: cannot run " + command + ": " + e.getMessage());
      return false;
    }
  }
}
