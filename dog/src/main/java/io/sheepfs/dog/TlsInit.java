package io.sheepfs.dog;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes an authority that signs the certificates of a cluster. */
@Command(
    name = "init",
    description = "Make an authority, whose certificates all parts of the cluster will trust.")
final class TlsInit implements Callable<Integer> {

  private final Environment environment;

  @Parameters(
      paramLabel = "DIR",
      description = "where its key and its certificate go; made if it is not there")
  private Path directory = Path.of("");

  @Option(
      names = "--days",
      paramLabel = "N",
      defaultValue = "3650",
      description = "how long it is valid (default: ${DEFAULT-VALUE})")
  private int days;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;

  TlsInit(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() {
    return TlsIssue.report(
        environment,
        () -> {
          new TlsAuthority(directory).init(TlsIssue.positive(days));
          environment
              .out()
              .printf(
                  "Keep %s secret: who has it can join the cluster.%n"
                      + "Next, for each machine: dog tls issue %s NAME [ADDRESS...]%n",
                  directory.resolve(TlsAuthority.KEY), directory);
        });
  }

  /** Something that can fail. */
  interface Work {
    void run() throws IOException, DogException;
  }
}
