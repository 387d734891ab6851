package io.sheepfs.dog;

import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import picocli.CommandLine.Command;

/** {@code dog cluster check}: {@code dog vdi check} of everything. */
@Command(name = "check", description = "Compares all replicas of the cluster and repairs them.")
final class ClusterCheck extends DogCommand {

  ClusterCheck(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    boolean sound = true;
    try (ReplicaCheck check = new ReplicaCheck(session)) {
      for (VdiInfo vdi : session.cluster().vdis().list()) {
        SnapshotTag tag = vdi.tag();
        session
            .out()
            .println(
                vdi.isSnapshot()
                    ? "fix snapshot "
                        + vdi.name()
                        + " (id: "
                        + vdi.snapshotId()
                        + ", tag: \""
                        + (tag == null ? "" : tag)
                        + "\")"
                    : "fix vdi " + vdi.name());
        sound &= check.check(vdi);
      }
    }
    return sound ? ExitCode.SUCCESS : ExitCode.FAILURE;
  }
}
