package io.sheepfs.sbd.nbd;

import java.time.Duration;

/**
 * The bounds of a server.
 *
 * @param workers threads that carry out requests
 * @param maxConnections how many clients are served at a time; more are turned away
 * @param maxRequestsPerConnection how many requests of one client are under way at a time
 * @param maxPayloadBytes the longest read or write
 * @param maxConnectionBytes what the requests and answers of one client may take; a single request
 *     is let through whatever it takes
 * @param maxTotalBytes the same for all clients together; at least {@code maxPayloadBytes}
 * @param negotiationTimeout how long a client may take to choose its export
 * @param stallTimeout how long a client may be silent in the middle of a request, or leave all its
 *     answers unread
 * @param drainTimeout how long closing the server waits for what is under way
 */
public record ServerLimits(
    int workers,
    int maxConnections,
    int maxRequestsPerConnection,
    int maxPayloadBytes,
    long maxConnectionBytes,
    long maxTotalBytes,
    Duration negotiationTimeout,
    Duration stallTimeout,
    Duration drainTimeout) {

  private static final int MEBIBYTE = 1 << 20;

  /** The protocol's usual payload, and what fits into the memory that the launcher gives. */
  public static final ServerLimits DEFAULTS =
      new ServerLimits(
          16,
          256,
          256,
          32 * MEBIBYTE,
          48L * MEBIBYTE,
          128L * MEBIBYTE,
          Duration.ofSeconds(60),
          Duration.ofSeconds(120),
          Duration.ofSeconds(10));

  public ServerLimits {
    if (workers < 1 || maxConnections < 1 || maxRequestsPerConnection < 1 || maxPayloadBytes < 1) {
      throw new IllegalArgumentException("a server that could not serve anything");
    }
    if (maxTotalBytes < maxPayloadBytes) {
      throw new IllegalArgumentException(
          "a payload of " + maxPayloadBytes + " bytes does not fit into " + maxTotalBytes);
    }
  }

  /** The same with another number of workers. */
  public ServerLimits withWorkers(int count) {
    return new ServerLimits(
        count,
        maxConnections,
        maxRequestsPerConnection,
        maxPayloadBytes,
        maxConnectionBytes,
        maxTotalBytes,
        negotiationTimeout,
        stallTimeout,
        drainTimeout);
  }

  /** The same with another longest payload, and other budgets for one client and for all. */
  public ServerLimits withBudgets(int payloadBytes, long connectionBytes, long totalBytes) {
    return new ServerLimits(
        workers,
        maxConnections,
        maxRequestsPerConnection,
        payloadBytes,
        connectionBytes,
        totalBytes,
        negotiationTimeout,
        stallTimeout,
        drainTimeout);
  }

  /** The same with other times. */
  public ServerLimits withTimeouts(Duration negotiation, Duration stall) {
    return new ServerLimits(
        workers,
        maxConnections,
        maxRequestsPerConnection,
        maxPayloadBytes,
        maxConnectionBytes,
        maxTotalBytes,
        negotiation,
        stall,
        drainTimeout);
  }
}
