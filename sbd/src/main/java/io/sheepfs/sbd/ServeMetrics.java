package io.sheepfs.sbd;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.sbd.nbd.NbdServer;
import io.sheepfs.telemetry.ClusterHealth;
import io.sheepfs.telemetry.Health;
import io.sheepfs.telemetry.MetricList;

/** What a server of block devices tells of itself. Safe for any number of threads. */
final class ServeMetrics {

  private final NbdServer server;
  private final ClusterHealth health;

  ServeMetrics(NbdServer server, Cluster cluster) {
    this.server = server;
    this.health = new ClusterHealth(() -> ask(cluster));
  }

  private static Health ask(Cluster cluster) throws SheepException {
    ResultCode state = cluster.info().state();
    return new Health(state == ResultCode.SUCCESS, state.text());
  }

  /** Well while the cluster answers that it is. */
  Health health() {
    return health.ask();
  }

  MetricList numbers() {
    return new MetricList()
        .gauge("nbd_connections", "Connections of clients", server.connections())
        .gauge("nbd_open_exports", "VDIs and snapshots that are open", server.openExports())
        .process();
  }
}
