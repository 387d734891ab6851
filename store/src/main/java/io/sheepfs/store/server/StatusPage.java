package io.sheepfs.store.server;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeStat;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.cluster.ClusterSheep;
import io.sheepfs.store.vdi.VdiStore;
import io.sheepfs.telemetry.HtmlPage;
import java.net.InetAddress;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * What a sheep shows people in a browser: the cluster as this node sees it. Asks no other sheep, so
 * that it is there when they are not. Safe for any number of threads.
 */
final class StatusPage implements Supplier<String> {

  private static final int REFRESH_SECONDS = 5;

  /** A browser is of no use for more. */
  private static final int MAX_VDIS = 1000;

  private final SheepNode sheep;
  private final ServerCore core;

  StatusPage(SheepNode sheep, ServerCore core) {
    this.sheep = sheep;
    this.core = core;
  }

  @Override
  public String get() {
    HtmlPage page = new HtmlPage("Sheepdog storage node", REFRESH_SECONDS);
    ResultCode state = sheep.state();
    page.state(state == ResultCode.SUCCESS, state == ResultCode.SUCCESS ? "Running" : state.text());
    try {
      cluster(page);
      space(page);
      nodes(page);
    } catch (SheepException e) {
      page.line("This node cannot tell: " + e.getMessage());
    }
    recovery(page);
    requests(page);
    vdis(page);
    return page.latencies().end();
  }

  private static String address(NodeInfo node) {
    String host = node.address().getHostAddress();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + node.port();
  }

  private static String time(Instant time) {
    return time.truncatedTo(ChronoUnit.SECONDS).toString().replace('T', ' ').replace("Z", " UTC");
  }

  private void cluster(HtmlPage page) throws SheepException {
    NodeInfo self = sheep.self();
    page.line("Node " + address(self) + ", epoch " + sheep.epoch() + ", in " + sheep.root());
    ClusterInfo info = sheep.info();
    Instant created = info.created();
    if (created != null) {
      page.line(
          "Formatted "
              + time(created)
              + ": "
              + info.copies()
              + (info.copies() == 1 ? " copy" : " copies")
              + " of objects of "
              + HtmlPage.bytes(1L << info.blockSizeShift()));
    }
  }

  private void space(HtmlPage page) throws SheepException {
    Space space = sheep.space();
    page.heading("Space on this node")
        .share(
            space.usedBytes(),
            space.totalBytes(),
            HtmlPage.bytes(space.usedBytes())
                + " used, "
                + HtmlPage.bytes(space.freeBytes())
                + " free");
  }

  private void nodes(HtmlPage page) throws SheepException {
    List<NodeInfo> ring = sheep.nodes();
    NodeInfo self = sheep.self();
    InetAddress own = self.address();
    long points = ring.stream().mapToLong(NodeInfo::virtualNodes).sum();
    page.heading("Nodes on the ring");
    page.table("Node", "Zone", "Virtual nodes", "Share of the ring", "Disk", "");
    for (NodeInfo node : ring) {
      List<String> marks = new ArrayList<>();
      if (node.port() == self.port() && node.address().equals(own)) {
        marks.add("this node");
        if (sheep instanceof ClusterSheep cluster && cluster.leadership().isCertain()) {
          marks.add("leads");
        }
      }
      page.row(
          address(node),
          Integer.toUnsignedString(node.zone()),
          Integer.toString(node.virtualNodes()),
          String.format(
              Locale.ROOT, "%.0f %%", points == 0 ? 0 : 100.0 * node.virtualNodes() / points),
          HtmlPage.bytes(node.spaceBytes()),
          String.join(", ", marks));
    }
    page.endTable();
  }

  private void recovery(HtmlPage page) {
    if (!(sheep instanceof ClusterSheep cluster)) {
      return;
    }
    RecoveryProgress recovery = cluster.recovery();
    page.heading("Recovery of this node");
    if (!recovery.running()) {
      page.line("It has all that it should have.");
    } else if (recovery.total() == 0) {
      page.line("It looks what it misses, or waits for another node.");
    } else {
      page.share(
          recovery.finished(),
          recovery.total(),
          recovery.finished() + " of " + recovery.total() + " objects");
    }
  }

  private void requests(HtmlPage page) {
    NodeStat stat = core.counters().snapshot();
    page.heading("Requests of clients since the start")
        .table("Connections", "In progress", "Reads", "Writes", "Flushes", "Received", "Sent")
        .row(
            Integer.toString(core.connections()),
            Long.toString(stat.gatewayActive()),
            Long.toString(stat.gatewayReads()),
            Long.toString(stat.gatewayWrites()),
            Long.toString(stat.gatewayFlushes()),
            HtmlPage.bytes(stat.gatewayReceivedBytes()),
            HtmlPage.bytes(stat.gatewaySentBytes()))
        .endTable();
  }

  private void vdis(HtmlPage page) {
    page.heading("VDIs");
    List<VdiInfo> vdis;
    VdiStore store;
    try {
      store = sheep.vdiStore();
      vdis = new ArrayList<>(store.table().list());
    } catch (SheepException e) {
      page.line("The node that leads knows them.");
      return;
    }
    vdis.sort(
        Comparator.comparing((VdiInfo vdi) -> vdi.name().value())
            .thenComparing(VdiInfo::snapshotId));
    page.table("Name", "Snapshot", "Size", "Copies", "Made", "Id", "");
    for (VdiInfo vdi : vdis.subList(0, Math.min(vdis.size(), MAX_VDIS))) {
      Instant taken = vdi.snapshotTaken();
      String tag = vdi.tag() == null ? "" : String.valueOf(vdi.tag());
      page.row(
          vdi.name().value(),
          taken == null ? "" : vdi.snapshotId() + (tag.isEmpty() ? "" : " (" + tag + ")"),
          HtmlPage.bytes(vdi.sizeBytes()),
          Integer.toString(vdi.copies()),
          time(taken == null ? vdi.created() : taken),
          vdi.vid().toString(),
          store.locks().holder(vdi.vid()) == null ? "" : "in use");
    }
    page.endTable();
    if (vdis.size() > MAX_VDIS) {
      page.line("and " + (vdis.size() - MAX_VDIS) + " more");
    }
  }
}
