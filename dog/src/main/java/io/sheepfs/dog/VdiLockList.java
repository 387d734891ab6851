package io.sheepfs.dog;

import io.sheepfs.protocol.NodeId;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiStateRecord;
import java.io.IOException;
import java.net.Inet4Address;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;

/** {@code dog vdi lock list}. */
@Command(name = "list", description = "Lists the locked virtual disks.")
final class VdiLockList extends DogCommand {

  VdiLockList(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    Map<VdiId, VdiStateRecord> locks = VdiLocks.read(session);
    session.out().println("  Name         Id  VDI id  Tag            Owner node(s)");
    if (locks.isEmpty()) {
      return ExitCode.SUCCESS;
    }
    for (VdiInfo vdi : session.cluster().vdis().list()) {
      VdiStateRecord state = locks.get(vdi.vid());
      if (state == null) {
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
    return ExitCode.SUCCESS;
  }

  private static String text(NodeId node) {
    return (node.address() instanceof Inet4Address ? "IPv4 ip:" : "IPv6 ip:")
        + node.address().getHostAddress()
        + " port:"
        + node.port();
  }
}
