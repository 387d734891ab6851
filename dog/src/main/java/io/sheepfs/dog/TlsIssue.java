package io.sheepfs.dog;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
final class TlsIssue extends TlsCommand {

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

  TlsIssue(Environment environment) {
    super(environment);
  }

  @Override
  String run(Path directory) throws IOException, DogException {
    return new TlsAuthority(directory).issue(name, addresses, positive(days)).toString();
  }
}
