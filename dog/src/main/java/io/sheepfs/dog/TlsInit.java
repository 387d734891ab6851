package io.sheepfs.dog;

import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Makes an authority that signs the certificates of a cluster. */
@Command(
    name = "init",
    description = "Make an authority, whose certificates all parts of the cluster will trust.")
final class TlsInit extends TlsCommand {

  @Option(
      names = "--days",
      paramLabel = "N",
      defaultValue = "3650",
      description = "how long it is valid (default: ${DEFAULT-VALUE})")
  private int days;

  TlsInit(Environment environment) {
    super(environment);
  }

  @Override
  String run(Path directory) throws IOException, DogException {
    new TlsAuthority(directory).init(positive(days));
    return "Keep "
        + directory.resolve(TlsAuthority.KEY)
        + " secret: who has it can join the cluster.\nNext, for each machine: dog tls issue "
        + directory
        + " NAME [ADDRESS...]";
  }
}
