package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import java.nio.ByteBuffer;
import picocli.CommandLine.Command;

/** {@code dog node log level get}. */
@Command(name = "get", description = "Shows how much a node logs.")
final class NodeLogLevelGet extends DogCommand {

  NodeLogLevelGet(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws SheepException, DogException {
    ByteBuffer body =
        session
            .sheep()
            .ask(Opcode.GET_LOGLEVEL, new RequestFields.None(), Integer.BYTES)
            .orThrow("ask for the log level")
            .body();
    if (body.remaining() < Integer.BYTES) {
      throw DogException.failure("The node sent no log level");
    }
    int level = body.getInt();
    session.out().println(LogLevel.text(level) + " (" + level + ")");
    return ExitCode.SUCCESS;
  }
}
