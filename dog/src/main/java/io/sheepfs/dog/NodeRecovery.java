package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog node recovery}, and {@code dog node recovery info}, which is the same. */
@Command(name = "recovery", description = "Shows which nodes are in recovery.")
final class NodeRecovery extends DogCommand {

  private static final Duration STEP = Duration.ofSeconds(1);

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  @Option(
      names = {"-P", "--progress"},
      description = "follow the recovery of the node of -a and -p to its end")
  private boolean progress;

  @Parameters(paramLabel = "info", arity = "0..1", hidden = true)
  private @Nullable String what;

  NodeRecovery(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    if (what != null && !what.equals("info")) {
      throw DogException.usage("Invalid command 'node recovery " + what + "'");
    }
    if (progress) {
      follow(session);
    } else {
      list(session);
    }
    return ExitCode.SUCCESS;
  }

  private void follow(Session session) throws SheepException {
    RecoveryProgress state = ask(session.sheep());
    if (!state.running()) {
      return;
    }
    try (Progress bar = new Progress(session, "recovery", state.total(), Progress.Unit.OBJECTS)) {
      do {
        bar.reach(state.finished(), state.total());
        if (!session.environment().pause().await(STEP)) {
          return;
        }
        state = ask(session.sheep());
      } while (state.running());
    }
    session.out().println("Recovery has ended");
  }

  private static RecoveryProgress ask(Sheep sheep) throws SheepException {
    Reply reply =
        sheep.ask(Opcode.STAT_RECOVERY, new RequestFields.None(), RecoveryProgress.SIZE_BYTES);
    return RecoveryProgress.decode(reply.orThrow("ask for the recovery").body());
  }

  private void list(Session session) throws SheepException {
    JsonArray rows = new JsonArray(session.out());
    if (!raw && !json) {
      session.out().println("Nodes In Recovery:");
      session.out().println("  Id   Host:Port         V-Nodes       Zone       Progress");
    }
    List<NodeInfo> nodes = session.cluster().nodes();
    for (int id = 0; id < nodes.size(); id++) {
      NodeInfo node = nodes.get(id);
      RecoveryProgress state = ask(session.sheep(node));
      if (!state.running()) {
        continue;
      }
      if (json) {
        rows.add(
            new JsonObject()
                .put("id", id)
                .put("node", NodeList.endpoint(node))
                .put("finished", state.finished())
                .put("total", state.total()));
      } else if (raw) {
        session
            .out()
            .format(
                Locale.ROOT,
                "%d %s %d %d %d %d%n",
                id,
                NodeList.endpoint(node),
                node.virtualNodes(),
                node.zone(),
                state.finished(),
                state.total());
      } else {
        session
            .out()
            .format(
                Locale.ROOT,
                "%4d   %-20s%5d%11d%11.1f%%%n",
                id,
                NodeList.endpoint(node),
                node.virtualNodes(),
                node.zone(),
                state.total() == 0 ? 0.0 : state.finished() * 100.0 / state.total());
      }
    }
    if (json) {
      rows.end();
    }
  }
}
