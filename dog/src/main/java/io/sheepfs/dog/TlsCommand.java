package io.sheepfs.dog;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What the commands on certificates share. They need no sheep. */
abstract class TlsCommand implements Callable<Integer> {

  private final Environment environment;

  @Parameters(index = "0", paramLabel = "DIR", description = "the directory of the authority")
  private Path directory = Path.of("");

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;

  TlsCommand(Environment environment) {
    this.environment = environment;
  }

  /**
   * Does the work.
   *
   * @return what to tell
   */
  abstract String run(Path directory) throws IOException, DogException;

  @Override
  public final Integer call() {
    try {
      environment.out().println(run(directory));
      environment.out().flush();
      return ExitCode.SUCCESS.code();
    } catch (DogException e) {
      environment.err().println(e.getMessage());
      return e.exitCode().code();
    } catch (IOException e) {
      environment.err().println(e.getMessage());
      return ExitCode.SYSTEM.code();
    }
  }

  /** The argument of {@code --days}. */
  static int positive(int days) throws DogException {
    if (days < 1) {
      throw DogException.usage("Invalid number of days '" + days + "'");
    }
    return days;
  }
}
