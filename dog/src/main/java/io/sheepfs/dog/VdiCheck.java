package io.sheepfs.dog;

import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog vdi check}. The original ends with 0 although it could not repair everything; we end
 * with {@link ExitCode#FAILURE} then.
 */
@Command(name = "check", description = "Compares the replicas of a virtual disk and repairs them.")
final class VdiCheck extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = SNAPSHOT)
  private @Nullable String snapshot;

  @Option(
      names = {"-e", "--exist"},
      description = "only look whether the objects are there; compare and repair nothing")
  private boolean exist;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiCheck(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector selector = snapshot(snapshot);
    VdiInfo vdi = session.find(vdiName, selector);
    try (ReplicaCheck check = new ReplicaCheck(session)) {
      if (!exist) {
        return check.check(vdi) ? ExitCode.SUCCESS : ExitCode.FAILURE;
      }
      int missing = check.countMissing(vdi);
      session
          .out()
          .println(
              missing == 0
                  ? name + " is fine, no object is missing."
                  : name + " lost " + missing + " object(s).");
      return missing == 0 ? ExitCode.SUCCESS : ExitCode.FAILURE;
    }
  }
}
