package io.sheepfs.dog;

import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code dog vdi getattr}. */
@Command(name = "getattr", description = "Prints an attribute of a virtual disk.")
final class VdiGetattr extends DogCommand {

  @Parameters(index = "0", paramLabel = "NAME")
  private String name = "";

  @Parameters(index = "1", paramLabel = "KEY")
  private String key = "";

  VdiGetattr(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    byte[] value = new VdiAttributes(session, vdiName, key).get();
    session.out().write(value, 0, value.length);
    return ExitCode.SUCCESS;
  }
}
