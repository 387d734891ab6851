package io.sheepfs.dog;

import io.sheepfs.protocol.VdiAttribute;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi setattr}. */
@Command(name = "setattr", description = "Stores an attribute of a virtual disk.")
final class VdiSetattr extends DogCommand {

  @Option(
      names = {"-d", "--delete"},
      description = "delete the attribute")
  private boolean delete;

  @Option(
      names = {"-x", "--exclusive"},
      description = "fail if there is such an attribute")
  private boolean exclusive;

  @Parameters(index = "0", paramLabel = "NAME")
  private String name = "";

  @Parameters(index = "1", paramLabel = "KEY")
  private String key = "";

  @Parameters(
      index = "2",
      paramLabel = "VALUE",
      arity = "0..1",
      description = "up to 64 KiB (default: standard input)")
  private @Nullable String value;

  VdiSetattr(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    VdiAttributes attributes = new VdiAttributes(session, vdiName, key);
    if (delete) {
      attributes.delete();
      return ExitCode.SUCCESS;
    }
    byte[] bytes =
        value == null
            ? session.environment().in().readNBytes(VdiAttribute.MAX_VALUE_BYTES + 1)
            : value.getBytes(StandardCharsets.UTF_8);
    attributes.put(bytes, exclusive);
    return ExitCode.SUCCESS;
  }
}
