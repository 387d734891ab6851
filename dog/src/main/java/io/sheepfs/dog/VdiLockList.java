package io.sheepfs.dog;

import io.sheepfs.protocol.NodeId;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiStateRecord;
import java.io.IOException;
import java.net.Inet4Address;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog vdi lock list}. */
@Command(name = "list", description = "Lists the locked virtual disks.")
final class VdiLockList extends DogCommand {

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  VdiLockList(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    Map<VdiId, VdiStateRecord> locks = VdiLocks.read(session);
    JsonArray rows = new JsonArray(session.out());
    if (!json) {
      session.out().println("  Name         Id  VDI id  Tag            Owner node(s)");
    }
    List<VdiInfo> vdis = locks.isEmpty() ? List.of() : session.cluster().vdis().list();
    for (VdiInfo vdi : vdis) {
      VdiStateRecord state = locks.get(vdi.vid());
      if (state == null) {
        continue;
      }
      if (json) {
        rows.add(
            new JsonObject()
                .put("name", vdi.name().value())
                .put("vid", vdi.vid().toString())
                .put("shared", state.lockState() == VdiStateRecord.SHARED)
                .put(
                    "owners",
                    VdiLocks.owners(state).stream()
                        .map(
                            node ->
                                new JsonObject()
                                    .put("address", node.address().getHostAddress())
                                    .put("port", node.port()))
                        .toList()));
        continue;
      }
      SnapshotTag tag = vdi.tag();
      session
          .out()
          .format(
              Locale.ROOT,
              "%s %-8s  %5d %7s  %-13s  %s%n",
              vdi.isSnapshot() ? "s" : " ",
              vdi.name(),
              vdi.isSnapshot() ? vdi.snapshotId() : 0,
              vdi.vid(),
              vdi.isSnapshot() && tag != null ? tag : "",
              VdiLocks.owners(state).stream()
                  .map(VdiLockList::text)
                  .collect(Collectors.joining(", ")));
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }

  private static String text(NodeId node) {
    return (node.address() instanceof Inet4Address ? "IPv4 ip:" : "IPv6 ip:")
        + node.address().getHostAddress()
        + " port:"
        + node.port();
  }
}
