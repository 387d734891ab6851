package io.sheepfs.dog;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ResultCode;
import java.io.IOException;
import java.io.PrintStream;
import java.time.ZoneId;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog cluster info}. */
@Command(name = "info", description = "Shows the state of the cluster and its epochs.")
final class ClusterInfoCommand extends DogCommand {

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"-v", "--verbose"},
      description = VERBOSE)
  private boolean verbose;

  @Option(
      names = {"-d", "--diff"},
      description = "of each epoch, only the nodes that came or went")
  private boolean diff;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  ClusterInfoCommand(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    ClusterInfo info = session.cluster().info();
    PrintStream out = session.out();
    if (json) {
      out.println(object(info));
      return ExitCode.SUCCESS;
    }
    ZoneId zone = session.environment().zone();
    out.println((raw ? "" : "Cluster status: ") + status(info));
    if (verbose && info.created() != null) {
      out.println(
          "Cluster store: " + info.storeDriver() + " with " + info.copies() + " redundancy policy");
      out.println(
          "Cluster vnodes strategy: "
              + (ClusterFlag.AUTO_VNODES.isIn(info.flags()) ? "auto" : "fixed"));
      out.println(
          "Cluster vnode mode: " + (ClusterFlag.DISK_MODE.isIn(info.flags()) ? "disk" : "node"));
    }
    if (info.created() == null) {
      out.println();
      return ExitCode.SUCCESS;
    }
    if (!raw) {
      out.println(
          (verbose ? "" : "\n")
              + "Cluster created at "
              + new LocalTime(info.created(), zone).toCtime());
    }
    out.println();
    if (!raw) {
      out.println("Epoch Time           Version [Host:Port:V-Nodes,,,]");
    }
    List<ClusterInfo.Epoch> epochs = info.epochs();
    for (int i = 0; i < epochs.size(); i++) {
      ClusterInfo.Epoch epoch = epochs.get(i);
      String members =
          diff
              ? changes(epoch.members(), i + 1 < epochs.size() ? epochs.get(i + 1).members() : null)
              : join(epoch.members(), "");
      out.format(
          Locale.ROOT,
          raw ? "%s %d [%s]%n" : "%s %6d [%s]%n",
          raw
              ? Long.toString(epoch.started().getEpochSecond())
              : new LocalTime(epoch.started(), zone).toSeconds(),
          epoch.number(),
          members);
    }
    return ExitCode.SUCCESS;
  }

  private static JsonObject object(ClusterInfo info) {
    return new JsonObject()
        .put("running", info.state() == ResultCode.SUCCESS)
        .put("status", info.state().text())
        .put("auto_recovery", !info.recoveryDisabled())
        .putOrNull("created", info.created() == null ? null : info.created().toString())
        .put("copies", info.copies())
        .put("block_size_shift", info.blockSizeShift())
        .put("store", info.storeDriver())
        .put("flags", info.flags())
        .put(
            "epochs",
            info.epochs().stream()
                .map(
                    epoch ->
                        new JsonObject()
                            .put("epoch", epoch.number())
                            .put("time", epoch.started().getEpochSecond())
                            .put(
                                "nodes",
                                epoch.members().stream()
                                    .map(
                                        node ->
                                            new JsonObject()
                                                .put("node", NodeList.endpoint(node))
                                                .put("virtual_nodes", node.virtualNodes()))
                                    .toList()))
                .toList());
  }

  private static String status(ClusterInfo info) {
    return info.state() == ResultCode.SUCCESS
        ? "running, auto-recovery " + (info.recoveryDisabled() ? "disabled" : "enabled")
        : info.state().text();
  }

  private static String changes(List<NodeInfo> members, @Nullable List<NodeInfo> before) {
    if (before == null) {
      return "formated"; // as the original spells it
    }
    return Stream.of(join(without(members, before), "+"), join(without(before, members), "-"))
        .filter(part -> !part.isEmpty())
        .collect(Collectors.joining(", "));
  }

  private static List<NodeInfo> without(List<NodeInfo> nodes, Collection<NodeInfo> others) {
    return nodes.stream()
        .filter(
            node ->
                others.stream()
                    .noneMatch(o -> o.port() == node.port() && o.address().equals(node.address())))
        .toList();
  }

  private static String join(List<NodeInfo> nodes, String sign) {
    return nodes.stream()
        .map(node -> sign + NodeList.endpoint(node) + ":" + node.virtualNodes())
        .collect(Collectors.joining(", "));
  }
}
