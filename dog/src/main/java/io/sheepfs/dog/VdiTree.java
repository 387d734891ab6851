package io.sheepfs.dog;

import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code dog vdi tree}: a line for each working VDI, from the oldest snapshot on; where a rollback
 * made a branch, the branches stand below each other.
 */
@Command(name = "tree", description = "Shows which snapshot came from which.")
final class VdiTree extends DogCommand {

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  VdiTree(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    Map<VdiId, VdiInfo> vdis = new LinkedHashMap<>();
    for (VdiInfo vdi : session.cluster().vdis().list()) {
      vdis.put(vdi.vid(), vdi);
    }
    if (json) {
      JsonArray rows = new JsonArray(session.out());
      vdis.values().forEach(vdi -> rows.add(object(vdi)));
      rows.end();
      return ExitCode.SUCCESS;
    }
    Map<VdiId, List<VdiInfo>> children = new LinkedHashMap<>();
    List<VdiInfo> roots = new ArrayList<>();
    for (VdiInfo vdi : vdis.values()) {
      VdiInfo parent = vdi.parent() == null ? null : vdis.get(vdi.parent());
      if (parent == null || !parent.name().equals(vdi.name())) {
        roots.add(vdi);
      } else {
        children.computeIfAbsent(parent.vid(), vid -> new ArrayList<>()).add(vdi);
      }
    }
    for (VdiInfo root : roots) {
      StringBuilder line = new StringBuilder(root.name().value()).append("---");
      String indent = " ".repeat(line.codePointCount(0, line.length()));
      print(session, root, children, line, indent);
    }
    return ExitCode.SUCCESS;
  }

  private static JsonObject object(VdiInfo vdi) {
    return new JsonObject()
        .put("vid", vdi.vid().toString())
        .putOrNull("parent", vdi.parent() == null ? null : vdi.parent().toString())
        .put("name", vdi.name().value())
        .put("snapshot", vdi.isSnapshot())
        .put("snapshot_id", vdi.isSnapshot() ? vdi.snapshotId() : 0)
        .put("created", vdi.created().getEpochSecond());
  }

  /**
   * Prints a VDI and all that came from it.
   *
   * @param line what stands to the left of it on its line
   * @param indent what stands to the left of it on the lines below
   */
  private static void print(
      Session session,
      VdiInfo start,
      Map<VdiId, List<VdiInfo>> children,
      StringBuilder line,
      String indent) {
    VdiInfo vdi = start;
    StringBuilder below = new StringBuilder(indent);
    while (true) {
      String label = label(session, vdi);
      line.append(label);
      below.append(" ".repeat(label.length()));
      List<VdiInfo> next = children.getOrDefault(vdi.vid(), List.of());
      if (next.isEmpty()) {
        session.out().println(line);
        return;
      }
      if (next.size() > 1) {
        branch(session, next, children, line, below.toString());
        return;
      }
      line.append("---");
      below.append("   ");
      vdi = next.get(0);
    }
  }

  private static void branch(
      Session session,
      List<VdiInfo> branches,
      Map<VdiId, List<VdiInfo>> children,
      StringBuilder line,
      String indent) {
    int last = branches.size() - 1;
    for (int i = 0; i <= last; i++) {
      StringBuilder start =
          i == 0 ? line.append("-+-") : new StringBuilder(indent).append(i < last ? " |-" : " `-");
      print(session, branches.get(i), children, start, indent + (i < last ? " | " : "   "));
    }
  }

  private static String label(Session session, VdiInfo vdi) {
    return vdi.isSnapshot()
        ? "[" + new LocalTime(vdi.created(), session.environment().zone()).toMinutes() + "]"
        : "(you are here)";
  }
}
