package io.sheepfs.sbd;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ParameterException;

/** The command {@code sbd}. */
@Command(
    name = "sbd",
    mixinStandardHelpOptions = true,
    description = "VDIs of a Sheepdog cluster as block devices.",
    sortOptions = false,
    usageHelpAutoWidth = true,
    versionProvider = Sbd.Version.class,
    subcommands = {
      ServeCommand.class,
      MapCommand.class,
      UnmapCommand.class,
      ListCommand.class,
      StatusCommand.class
    },
    footer = {"", "Exit codes: 0 done, 1 wrong usage, 2 it could not be done."})
public final class Sbd {

  static final int EXIT_OK = 0;
  static final int EXIT_USAGE = 1;
  static final int EXIT_FAILED = 2;

  private Sbd() {}

  /** Runs the command, and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new Sbd());
    line.setExecutionStrategy(new CommandLine.RunLast());
    line.setAllowOptionsAsOptionParameters(false);
    line.setExpandAtFiles(false); // a virtual disk may be called @file
    line.setParameterExceptionHandler(Sbd::wrongUsage);
    for (CommandLine subcommand : line.getSubcommands().values()) {
      subcommand.setParameterExceptionHandler(Sbd::wrongUsage);
    }
    return line;
  }

  private static int wrongUsage(ParameterException e, String[] arguments) {
    Console.ofThisProcess().say(e.getMessage() + "\nTry 'sbd --help'.");
    return EXIT_USAGE;
  }

  /** The version, from the manifest of our jar. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Sbd.class.getPackage().getImplementationVersion();
      return new String[] {
        "sbd (sheepfs) " + (version == null ? "(built from source)" : version),
        "Java " + Runtime.version()
      };
    }
  }
}
