package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog node list}. */
@Command(name = "list", description = "Lists the nodes.")
final class NodeList extends DogCommand {

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  NodeList(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    List<NodeInfo> nodes = session.cluster().nodes();
    JsonArray rows = new JsonArray(session.out());
    if (!raw && !json) {
      session.out().println("  Id   Host:Port         V-Nodes       Zone");
    }
    int id = 0;
    for (NodeInfo node : nodes) {
      String zone = Integer.toUnsignedString(node.zone());
      if (json) {
        rows.add(
            new JsonObject()
                .put("id", id)
                .put("address", node.address().getHostAddress())
                .put("port", node.port())
                .put("virtual_nodes", node.virtualNodes())
                .put("zone", Integer.toUnsignedLong(node.zone())));
      } else {
        session
            .out()
            .format(
                Locale.ROOT,
                raw ? "%d %s %d %s%n" : "%4d   %-20s\t%2d%11s%n",
                id,
                endpoint(node),
                node.virtualNodes(),
                zone);
      }
      id++;
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }

  /** A node's address as it is printed. */
  static String endpoint(NodeInfo node) {
    return node.address().getHostAddress() + ":" + node.port();
  }
}
