package io.sheepfs.store.server;

import io.sheepfs.cache.CacheMetrics;
import io.sheepfs.protocol.NodeStat;
import io.sheepfs.protocol.RecoveryProgress;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.cluster.ClusterSheep;
import io.sheepfs.telemetry.Health;
import io.sheepfs.telemetry.MetricList;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a sheep tells of itself. Asks no other sheep. Safe for any number of threads. */
final class SheepMetrics {

  private static final Logger log = LoggerFactory.getLogger(SheepMetrics.class);

  private final SheepNode sheep;
  private final ServerCore core;
  private final @Nullable GatewayCache cache;

  SheepMetrics(SheepNode sheep, ServerCore core, @Nullable GatewayCache cache) {
    this.sheep = sheep;
    this.core = core;
    this.cache = cache;
  }

  /** Well while clients are served. */
  Health health() {
    ResultCode state = sheep.state();
    return new Health(state == ResultCode.SUCCESS, state.text());
  }

  MetricList numbers() {
    MetricList list = new MetricList();
    requests(list);
    node(list);
    if (sheep instanceof ClusterSheep cluster) {
      RecoveryProgress recovery = cluster.recovery();
      list.gauge("recovery_running", "Whether objects are missing here", recovery.running() ? 1 : 0)
          .gauge("recovery_finished_objects", "Objects looked at so far", recovery.finished())
          .gauge("recovery_objects", "Of how many", recovery.total())
          .gauge(
              "sheep_leader", "Whether this node leads", cluster.leadership().isCertain() ? 1 : 0);
    }
    if (cache != null) {
      CacheMetrics.addTo(list, cache.status());
    }
    return list.process();
  }

  private void requests(MetricList list) {
    NodeStat stat = core.counters().snapshot();
    list.counter("sheep_requests", "Requests of clients", stat.gatewayTotal())
        .gauge("sheep_requests_active", "Those in progress", stat.gatewayActive())
        .counter("sheep_received_bytes", "Bytes from clients", stat.gatewayReceivedBytes())
        .counter("sheep_sent_bytes", "Bytes to clients", stat.gatewaySentBytes())
        .counter("sheep_reads", "Read requests", stat.gatewayReads())
        .counter("sheep_writes", "Write requests", stat.gatewayWrites())
        .counter("sheep_removes", "Requests to remove an object", stat.gatewayRemoves())
        .counter("sheep_flushes", "Flushes of a VDI", stat.gatewayFlushes())
        .counter("sheep_unknown_opcodes", "Requests of no kind", core.counters().unknownOpcodes())
        .gauge("sheep_connections", "Clients and other sheep", core.connections())
        .gauge("sheep_taken_bytes", "Memory that requests take", core.lanes().usedBytes());
  }

  private void node(MetricList list) {
    boolean serves = sheep.state() == ResultCode.SUCCESS;
    list.gauge("sheep_up", "Whether clients are served", serves ? 1 : 0)
        .gauge("sheep_epoch", "How often the members changed", sheep.epoch());
    try {
      Space space = sheep.space();
      list.gauge("sheep_space_bytes", "What objects can use here", space.totalBytes())
          .gauge("sheep_free_bytes", "What is left of it", space.freeBytes());
      list.gauge("sheep_nodes", "Nodes of the cluster", sheep.nodes().size());
    } catch (SheepException e) {
      log.debug("not told", e); // before a node has joined it knows neither
    }
  }
}
