package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.RequestFields;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog node recovery}. */
@Command(name = "recovery", description = "Shows which nodes are in recovery.")
final class NodeRecovery extends DogCommand {

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Parameters(paramLabel = "info", arity = "0..1", defaultValue = "info")
  private String what = "";

  NodeRecovery(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    if (!what.equals("info")) {
      throw DogException.usage("Invalid subcommand '" + what + "': only 'info' is supported");
    }
    List<NodeInfo> nodes = session.cluster().nodes();
    if (!raw) {
      session.out().println("Nodes In Recovery:");
      session.out().println("  Id   Host:Port         V-Nodes       Zone       Progress");
    }
    for (int id = 0; id < nodes.size(); id++) {
      NodeInfo node = nodes.get(id);
      Reply reply =
          session
              .sheep(node)
              .ask(Opcode.STAT_RECOVERY, new RequestFields.None(), RecoveryProgress.SIZE_BYTES);
      RecoveryProgress progress =
          RecoveryProgress.decode(reply.orThrow("ask for the recovery").body());
      if (progress.running()) {
        session
            .out()
            .format(
                Locale.ROOT,
                raw ? "%d %s %d %s %.1f%%%n" : "%4d   %-20s\t%2d%11s   %8.1f%%%n",
                id,
                NodeList.endpoint(node),
                node.virtualNodes(),
                Integer.toUnsignedString(node.zone()),
                progress.total() == 0 ? 0.0 : progress.finished() * 100.0 / progress.total());
      }
    }
    return ExitCode.SUCCESS;
  }
}
