package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code dog node log level set}. */
@Command(name = "set", description = "Sets how much a node logs.")
final class NodeLogLevelSet extends DogCommand {

  @Parameters(paramLabel = "LEVEL", description = "one of 'dog node log level list'")
  private String name = "";

  NodeLogLevelSet(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws SheepException, DogException {
    LogLevel level = LogLevel.of(name);
    if (level == null) {
      throw DogException.usage(
          "Invalid log level '"
              + name
              + "': it can be "
              + Arrays.stream(LogLevel.values())
                  .map(LogLevel::text)
                  .collect(Collectors.joining(", ")));
    }
    ByteBuffer body = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    session
        .sheep()
        .send(Opcode.SET_LOGLEVEL, 0, new RequestFields.None(), body.putInt(0, level.number()))
        .orThrow("set the log level");
    return ExitCode.SUCCESS;
  }
}
