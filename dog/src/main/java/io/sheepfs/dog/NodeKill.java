package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.SheepException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog node kill}. */
@Command(name = "kill", description = "Ends a node; the others recover its data.")
final class NodeKill extends DogCommand {

  @Option(
      names = {"-l", "--local"},
      description = "the node of -a and -p")
  private boolean local;

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  boolean raw;

  @Parameters(paramLabel = "ID", arity = "0..1", description = "its number in 'dog node list'")
  private @Nullable String id;

  NodeKill(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws SheepException, DogException {
    if (local == (id != null)) {
      throw DogException.usage(
          local
              ? "Please give either a node id or the '-l' option"
              : "Please specify the '-l' option or a node id");
    }
    Sheep victim = id == null ? session.sheep() : session.sheep(node(session, id));
    victim.order(Opcode.KILL_NODE).orThrow("kill the node");
    return ExitCode.SUCCESS;
  }

  private static NodeInfo node(Session session, String id) throws SheepException, DogException {
    if (!isNumber(id)) {
      throw DogException.usage("Invalid node id '" + id + "', please specify a numeric value");
    }
    List<NodeInfo> nodes = session.cluster().nodes();
    return nodes.get(number(id, "node id", 0, nodes.size() - 1));
  }
}
