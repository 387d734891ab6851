package io.sheepfs.fuse.tree;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;

/** The texts of vdi/list, node/list, node/info and cluster/info. */
final class ClusterReports {

  private static final DateTimeFormatter MINUTES = DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm");
  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss");

  private final Cluster cluster;

  ClusterReports(Cluster cluster) {
    this.cluster = cluster;
  }

  String vdiList() throws IOException {
    StringBuilder text = new StringBuilder("  Name        Id          Size  Creation time      ");
    text.append("VDI id  Copies  Tag\n");
    for (VdiInfo vdi : cluster.vdis().list()) {
      boolean clone = vdi.parent() != null && vdi.snapshotId() == 1;
      text.append(
          String.format(
              Locale.ROOT,
              "%s %-8s %5d  %12d  %s   %6s  %6d  %s%n",
              vdi.isSnapshot() ? "s" : clone ? "c" : " ",
              vdi.name(),
              vdi.isSnapshot() ? vdi.snapshotId() : 0,
              vdi.sizeBytes(),
              local(MINUTES, vdi.created()),
              vdi.vid(),
              vdi.copies(),
              vdi.tag() == null ? "" : vdi.tag()));
    }
    return text.toString();
  }

  String nodeList() throws IOException {
    StringBuilder text = new StringBuilder("  Id   Host:Port         V-Nodes       Zone\n");
    List<NodeInfo> nodes = cluster.nodes();
    for (int id = 0; id < nodes.size(); id++) {
      NodeInfo node = nodes.get(id);
      text.append(
          String.format(
              Locale.ROOT,
              "%4d   %-20s\t%2d%11s%n",
              id,
              node.address().getHostAddress() + ":" + node.port(),
              node.virtualNodes(),
              Integer.toUnsignedString(node.zone())));
    }
    return text.toString();
  }

  String nodeInfo() throws IOException {
    Space space = cluster.space();
    return String.format(
        Locale.ROOT,
        "nodes %d%nsize %d%nused %d%navail %d%n",
        cluster.nodes().size(),
        space.totalBytes(),
        space.usedBytes(),
        space.freeBytes());
  }

  String clusterInfo() throws IOException {
    ClusterInfo info = cluster.info();
    StringBuilder text = new StringBuilder("Cluster status: ");
    text.append(
        info.state() == ResultCode.SUCCESS
            ? "running, auto-recovery " + (info.recoveryDisabled() ? "disabled" : "enabled")
            : info.state().text());
    text.append("\n\n");
    if (info.created() != null) {
      text.append("Cluster created at ").append(local(SECONDS, info.created())).append("\n\n");
    }
    text.append("Epoch Time           Version [Host:Port:V-Nodes,,,]\n");
    for (ClusterInfo.Epoch epoch : info.epochs()) {
      text.append(local(SECONDS, epoch.started()));
      text.append(String.format(Locale.ROOT, " %6d [", epoch.number()));
      String separator = "";
      for (NodeInfo node : epoch.members()) {
        text.append(separator).append(node.address().getHostAddress());
        text.append(':').append(node.port()).append(':').append(node.virtualNodes());
        separator = ", ";
      }
      text.append("]\n");
    }
    return text.toString();
  }

  private static String local(DateTimeFormatter format, Instant time) {
    return format.format(time.atZone(ZoneId.systemDefault()));
  }
}
