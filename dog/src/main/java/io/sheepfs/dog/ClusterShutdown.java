package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import java.io.IOException;
import picocli.CommandLine.Command;

/** {@code dog cluster shutdown}. */
@Command(name = "shutdown", description = "Stops all nodes, after the requests under way.")
final class ClusterShutdown extends DogCommand {

  ClusterShutdown(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    session
        .sheep()
        .ask(Opcode.SHUTDOWN, new RequestFields.None(), 0)
        .orThrow("Failed to shut the cluster down");
    return ExitCode.SUCCESS;
  }
}
