package io.sheepfs.dog;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes the certificates of one machine. */
@Command(
    name = "issue",
    description = {
      "Make the certificates of a machine: of a client, and, if addresses are given, of a server"
          + " that is reached by these.",
      "Bring DIR/NAME to that machine, and name it there with --tls or SHEEPFS_TLS."
    })
final class TlsIssue implements Callable<Integer> {

  private final Environment environment;

  @Parameters(index = "0", paramLabel = "DIR", description = "of the authority ('dog tls init')")
  private Path directory = Path.of("");

  @Parameters(index = "1", paramLabel = "NAME", description = "of the machine or the user")
  private String name = "";

  @Parameters(
      index = "2..*",
      paramLabel = "ADDRESS",
      arity = "0..*",
      description = "host names and IP addresses that others connect to")
  private List<String> addresses = new ArrayList<>();

  @Option(
      names = "--days",
      paramLabel = "N",
      defaultValue = "825",
      description = "how long they are valid (default: ${DEFAULT-VALUE})")
  private int days;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;

  TlsIssue(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    return report(
        environment,
        () -> {
          Path made = new TlsAuthority(directory).issue(name, addresses, positive(days));
          environment.out().println(made);
        });
  }

  static int positive(int days) throws DogException {
    if (days < 1) {
      throw DogException.usage("Invalid number of days '" + days + "'");
    }
    return days;
  }

  /** Runs what needs no sheep, and tells a failure. */
  static int report(Environment environment, TlsInit.Work work) {
    try {
      work.run();
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
}
