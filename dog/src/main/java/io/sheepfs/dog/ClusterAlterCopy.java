package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResultCode;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog cluster alter-copy}. */
@Command(
    name = "alter-copy",
    description = "Sets how many replicas the virtual disks to come will have.")
final class ClusterAlterCopy extends DogCommand {

  @Option(
      names = {"-c", "--copies"},
      paramLabel = "COPIES",
      description = "1 to 8 (default: 3)")
  private @Nullable String copies;

  @Option(
      names = {"-f", "--force"},
      description = FORCE)
  private boolean force;

  ClusterAlterCopy(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    int wanted = Copies.parse(session, copies, "cluster");
    if (!force && !Copies.confirmed(session, wanted)) {
      return ExitCode.SUCCESS;
    }
    int old = session.cluster().info().copies();
    if (old == wanted) {
      throw DogException.failure(
          "The cluster's redundancy level is already set to " + wanted + ", nothing changed.");
    }
    if (!force
        && !confirm(
            session,
            """
            Caution! Changing cluster's redundancy level will affect
            all the VDIs to be created later.
            Are you sure you want to continue?""")) {
      return ExitCode.SUCCESS;
    }
    Reply reply =
        session
            .sheep()
            .ask(
                Opcode.ALTER_CLUSTER_COPY,
                new RequestFields.ClusterWide(0, 0, wanted, 0, 0, 0, 0, 0),
                0);
    if (reply.result() == ResultCode.NO_SUPPORT) {
      throw DogException.failure(
          "The sheep at "
              + endpoint()
              + " cannot change the default number of copies: give '-c' to 'dog vdi create'");
    }
    reply.orThrow("Changing the cluster's redundancy level failed");
    session
        .out()
        .println(
            "The cluster's redundancy level is set to "
                + wanted
                + ", the old one was "
                + old
                + ".");
    return ExitCode.SUCCESS;
  }
}
