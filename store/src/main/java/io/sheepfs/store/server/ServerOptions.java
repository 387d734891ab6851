package io.sheepfs.store.server;

import io.netty.handler.ssl.SslContext;
import io.sheepfs.protocol.tls.AllowListFile;
import io.sheepfs.protocol.tls.TlsFolder;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The bounds of a server.
 *
 * @param workers threads that do the disk's work
 * @param maxConnections how many clients are served at a time; more are turned away
 * @param maxRequestsPerConnection how many requests of one client are under way at a time
 * @param maxBodyBytes the longest body of a request or an answer; VDIs with larger objects cannot
 *     be made
 * @param maxConnectionBytes what the requests and answers of one client may take; a single request
 *     is let through whatever it takes
 * @param maxTotalBytes the same for all clients together; at least {@code maxBodyBytes}
 * @param frameTimeout how long a client may be silent in the middle of a request, or may leave an
 *     answer unread
 * @param drainTimeout how long closing the server waits for what is under way
 * @param tls how connections are encrypted; null if they are not
 * @param allowed who may do what; null if whoever can connect may do everything
 */
public record ServerOptions(
    int workers,
    int maxConnections,
    int maxRequestsPerConnection,
    int maxBodyBytes,
    long maxConnectionBytes,
    long maxTotalBytes,
    Duration frameTimeout,
    Duration drainTimeout,
    @Nullable SslContext tls,
    @Nullable AllowListFile allowed) {

  private static final int MEBIBYTE = 1 << 20;
  private static final int MAX_BLOCK_SIZE_SHIFT = 31;

  /** What suits a node with the usual objects of 4 MiB. */
  public static final ServerOptions DEFAULTS =
      new ServerOptions(
          16,
          1024,
          128,
          64 * MEBIBYTE,
          64L * MEBIBYTE,
          160L * MEBIBYTE,
          Duration.ofSeconds(60),
          Duration.ofSeconds(10),
          null,
          null);

  public ServerOptions {
    if (workers < 1 || maxConnections < 1 || maxRequestsPerConnection < 1 || maxBodyBytes < 1) {
      throw new IllegalArgumentException("a server that could not serve anything");
    }
    if (allowed != null && tls == null) {
      throw new IllegalArgumentException(
          "rights go by certificates, so without TLS nobody has any");
    }
    if (maxTotalBytes < maxBodyBytes) {
      throw new IllegalArgumentException(
          "a body of " + maxBodyBytes + " bytes does not fit into " + maxTotalBytes);
    }
  }

  /** The largest objects that clients can make: a whole one goes over the wire in one body. */
  int maxBlockSizeShift() {
    return Math.min(MAX_BLOCK_SIZE_SHIFT, 31 - Integer.numberOfLeadingZeros(maxBodyBytes));
  }

  /** The same with another time for half a request, or an unread answer. */
  public ServerOptions withFrameTimeout(Duration timeout) {
    return new ServerOptions(
        workers,
        maxConnections,
        maxRequestsPerConnection,
        maxBodyBytes,
        maxConnectionBytes,
        maxTotalBytes,
        timeout,
        drainTimeout,
        tls,
        allowed);
  }

  /**
   * The same over TLS, with the certificate of a server; without it for null.
   *
   * @throws IOException if the certificate cannot be used
   */
  public ServerOptions withTls(@Nullable TlsFolder folder) throws IOException {
    return new ServerOptions(
        workers,
        maxConnections,
        maxRequestsPerConnection,
        maxBodyBytes,
        maxConnectionBytes,
        maxTotalBytes,
        frameTimeout,
        drainTimeout,
        folder == null ? null : folder.server("TLSv1.3"),
        allowed);
  }

  /** The same, but with these rights only, by the names in certificates; needs TLS. */
  public ServerOptions withAllowed(@Nullable AllowListFile rights) {
    return new ServerOptions(
        workers,
        maxConnections,
        maxRequestsPerConnection,
        maxBodyBytes,
        maxConnectionBytes,
        maxTotalBytes,
        frameTimeout,
        drainTimeout,
        tls,
        rights);
  }

  /** The same with another budget for each client and for all of them. */
  public ServerOptions withBudgets(long connectionBytes, long totalBytes) {
    return new ServerOptions(
        workers,
        maxConnections,
        maxRequestsPerConnection,
        maxBodyBytes,
        connectionBytes,
        totalBytes,
        frameTimeout,
        drainTimeout,
        tls,
        allowed);
  }
}
