package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.SheepException;
import picocli.CommandLine.Command;

/** {@code dog cluster reweight}. */
@Command(
    name = "reweight",
    description = "Spreads the data anew, by the space that the nodes have now.")
final class ClusterReweight extends DogCommand {

  ClusterReweight(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws SheepException {
    session.sheep().order(Opcode.REWEIGHT).orThrow("reweight the cluster");
    return ExitCode.SUCCESS;
  }
}
