package io.sheepfs.dog;

import io.sheepfs.protocol.ClusterRecord;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog cluster recover force}, {@code enable} and {@code disable}. */
abstract class ClusterRecover extends DogCommand {

  @Option(
      names = {"-f", "--force"},
      description = FORCE)
  boolean force;

  private ClusterRecover(Environment environment) {
    super(environment);
  }

  /** Goes on without the nodes that do not come back. */
  @Command(name = "force", description = "Starts a cluster that waits for nodes, without them.")
  static final class Force extends ClusterRecover {

    private static final String QUESTION =
        """
        Caution! Nodes that are left behind now cannot come back with what they have. Please try
        to start all of them first. This is for a cluster of which some nodes are lost, or
        fail to start after a shutdown.
        Are you sure you want to continue?""";

    Force(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws IOException, DogException {
      if (!force && !confirm(session, QUESTION)) {
        return ExitCode.SUCCESS;
      }
      Reply reply =
          session
              .sheep()
              .ask(
                  Opcode.FORCE_RECOVER,
                  new RequestFields.None(),
                  ClusterRecord.MAX_NODES * NodeRecord.SIZE_BYTES);
      if (reply.result() != ResultCode.SUCCESS) {
        throw DogException.failure("Failed to execute request, " + reply.result().text());
      }
      return ExitCode.SUCCESS;
    }
  }

  /** Switches automatic recovery on. */
  @Command(name = "enable", description = "Switches automatic recovery on.")
  static final class Enable extends ClusterRecover {
    Enable(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws SheepException {
      session.sheep().order(Opcode.ENABLE_RECOVER).orThrow("enable recovery");
      session.out().println("Cluster recovery: enable");
      return ExitCode.SUCCESS;
    }
  }

  /** Switches automatic recovery off. */
  @Command(name = "disable", description = "Switches automatic recovery off.")
  static final class Disable extends ClusterRecover {
    Disable(Environment environment) {
      super(environment);
    }

    @Override
    ExitCode run(Session session) throws SheepException {
      session.sheep().order(Opcode.DISABLE_RECOVER).orThrow("disable recovery");
      session.out().println("Cluster recovery: disable");
      return ExitCode.SUCCESS;
    }
  }
}
