package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestHeader;
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
        .call(RequestHeader.of(Opcode.SHUTDOWN, 0, 0, new RequestFields.None()))
        .orThrow("Failed to shut the cluster down");
    return ExitCode.SUCCESS;
  }
}
