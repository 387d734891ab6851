package io.sheepfs.store.server;

import io.netty.util.concurrent.DefaultThreadFactory;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.codec.ByteBudget;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads and the memory that requests take, apart for each kind of request.
 *
 * <p>A client's request may wait for one that is passed on to the leader, that one for requests to
 * the nodes with the copies, and those for what recovery fetches; never the other way round. As
 * each kind has its own, sheep that are full of requests of one kind still get on with those that
 * these wait for, and do not wait for each other in a circle. Safe for any number of threads.
 */
final class Lanes implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Lanes.class);

  private static final int RECOVERY_WORKERS = 4;

  /** Slack for headers, so that a body of the largest size fits. */
  private static final long HEADERS_BYTES = 1 << 16;

  /**
   * What one kind of request has.
   *
   * @param workers their queue is bounded by the connections, and by what each may have under way
   * @param budget bytes of requests and answers
   */
  record Lane(ExecutorService workers, ByteBudget budget) {}

  private final Duration drainTimeout;
  private final Lane clients;
  private final Lane passedOn;
  private final Lane peers;
  private final Lane recovery;

  /** For the questions whether this sheep lives, and has space: they must not stand in line. */
  private final Lane life;

  private Lanes(
      Duration drainTimeout, Lane clients, Lane passedOn, Lane peers, Lane recovery, Lane life) {
    this.drainTimeout = drainTimeout;
    this.clients = clients;
    this.passedOn = passedOn;
    this.peers = peers;
    this.recovery = recovery;
    this.life = life;
  }

  /**
   * The lanes of a server, to be closed.
   *
   * @param inCluster whether there are other sheep, which share the memory with the clients
   */
  static Lanes of(ServerOptions options, boolean inCluster) {
    long total = options.maxTotalBytes();
    long share = inCluster ? Math.max(options.maxBodyBytes(), total * 2 / 5) : total;
    int workers = options.workers();
    return new Lanes(
        options.drainTimeout(),
        lane("sheep-disk", workers, share),
        lane("sheep-lead", workers, share),
        lane("sheep-peer", workers, share),
        lane("sheep-donor", RECOVERY_WORKERS, share),
        lane("sheep-answerer", 1, share));
  }

  private static Lane lane(String name, int threads, long bytes) {
    return new Lane(
        Executors.newFixedThreadPool(threads, new DefaultThreadFactory(name, true)),
        new ByteBudget(bytes + HEADERS_BYTES));
  }

  /** One lane for all, of a server without other sheep. */
  static Lanes single(ExecutorService workers, ServerOptions options) {
    Lane lane = new Lane(workers, new ByteBudget(options.maxTotalBytes() + HEADERS_BYTES));
    return new Lanes(options.drainTimeout(), lane, lane, lane, lane, lane);
  }

  /** Where a request belongs. */
  Lane of(RequestHeader header) {
    Opcode opcode = header.opcode();
    if (opcode == Opcode.GET_NODE_LIST || opcode == Opcode.STAT_SHEEP) {
      return life;
    }
    boolean isRecovery = header.has(RequestFlags.RECOVERY);
    if (opcode == Opcode.REPAIR_REPLICA && isRecovery) {
      return peers; // it waits for the donor of the right copy
    }
    if (opcode != null && opcode != Opcode.REPAIR_REPLICA && isBetweenSheep(opcode)) {
      return isRecovery ? recovery : peers;
    }
    return header.has(RequestFlags.FORWARD) ? passedOn : clients;
  }

  /** A thread that waits for no disk and no other sheep. */
  ExecutorService answerer() {
    return life.workers();
  }

  /** Whether only sheep send it. */
  static boolean isBetweenSheep(Opcode opcode) {
    return opcode.scope() == Opcode.Scope.PEER
        || opcode == Opcode.GET_HASH
        || opcode == Opcode.REPAIR_REPLICA;
  }

  private List<Lane> all() {
    return List.of(clients, passedOn, peers, recovery, life);
  }

  /** How many bytes requests take now. */
  long usedBytes() {
    return all().stream().map(Lane::budget).distinct().mapToLong(ByteBudget::usedBytes).sum();
  }

  /** Begins nothing new, and waits for what runs. */
  @Override
  public void close() {
    all().forEach(lane -> lane.workers().shutdown());
    try {
      if (!clients.workers().awaitTermination(drainTimeout.toNanos(), TimeUnit.NANOSECONDS)) {
        log.warn("some requests are still under way");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
