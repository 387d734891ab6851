package io.sheepfs.dog;

import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/**
 * {@code dog vdi check}. The original ends with 0 although it could not repair everything; we end
 * with {@link ExitCode#FAILURE} then.
 */
@Command(name = "check", description = "Compares the replicas of a virtual disk and repairs them.")
final class VdiCheck extends DogCommand {

  @Mixin private final VdiArgument argument = new VdiArgument();

  @Option(
      names = {"-e", "--exist"},
      description = "only look whether the objects are there; compare and repair nothing")
  private boolean exist;

  VdiCheck(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiInfo vdi = argument.find(session);
    try (ReplicaCheck check = new ReplicaCheck(session)) {
      if (!exist) {
        return check.check(vdi) ? ExitCode.SUCCESS : ExitCode.FAILURE;
      }
      int missing = check.countMissing(vdi);
      session
          .out()
          .println(
              missing == 0
                  ? vdi.name() + " is fine, no object is missing."
                  : vdi.name() + " lost " + missing + " object(s).");
      return missing == 0 ? ExitCode.SUCCESS : ExitCode.FAILURE;
    }
  }
}
