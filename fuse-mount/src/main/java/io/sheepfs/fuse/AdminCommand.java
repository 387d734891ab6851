package io.sheepfs.fuse;

import java.io.PrintStream;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** The commands that are no mount; each is named by the first word behind {@code sheepfs}. */
final class AdminCommand {

  static final int EXIT_OK = 0;
  static final int EXIT_USAGE = 1;
  static final int EXIT_SYSTEM = 2;
  static final int EXIT_INTERNAL = 4;
  static final int EXIT_FAILED = 32;
  static final int EXIT_SOME = 64;

  private AdminCommand() {}

  /**
   * Runs such a command.
   *
   * @return its exit code, as those of mount(8); null if the arguments name none
   */
  static @Nullable Integer run(PrintStream out, PrintStream err, String... arguments) {
    CommandLine line = arguments.length == 0 ? null : commandLine(arguments[0], out, err);
    if (line == null) {
      return null;
    }
    List<String> rest = List.of(arguments).subList(1, arguments.length);
    return line.execute(rest.toArray(String[]::new));
  }

  /** The command of that name; null if there is none. */
  static @Nullable CommandLine commandLine(String name, PrintStream out, PrintStream err) {
    Callable<Integer> command =
        switch (name) {
          case "umount" -> new UmountCommand(out, err);
          case "status" -> new StatusCommand(out, err);
          case "top" -> new TopCommand(out, FlushProgress.isTerminal(1));
          case "flush" -> new FlushCommand(out, err);
          case "warm" -> new WarmCommand(out, err, FlushProgress.isTerminal(1));
          case "doctor" -> new DoctorCommand(out);
          default -> null;
        };
    if (command == null) {
      return null;
    }
    CommandLine line = new CommandLine(command);
    line.setExpandAtFiles(false); // a mountpoint may be called @directory
    line.setParameterExceptionHandler(
        (e, rest) -> {
          err.println("sheepfs: " + e.getMessage());
          return EXIT_USAGE;
        });
    line.setExecutionExceptionHandler(
        (e, failed, parsed) -> {
          err.println("sheepfs: " + name + ": " + e.getMessage());
          return e instanceof java.io.IOException ? EXIT_SYSTEM : EXIT_INTERNAL;
        });
    return line;
  }
}
