package io.sheepfs.protocol.client;

import io.netty.handler.ssl.SslContext;
import io.sheepfs.protocol.tls.TlsFolder;
import java.io.IOException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a client behaves on the network.
 *
 * @param connectTimeout for one attempt to connect
 * @param requestTimeout for a request with all its repetitions; long enough to ride over the
 *     restart of a sheep
 * @param connectionsPerPeer how many connections are shared by all requests to one sheep
 * @param tls how connections are encrypted; null if they are not
 */
public record ClientOptions(
    Duration connectTimeout,
    Duration requestTimeout,
    int connectionsPerPeer,
    @Nullable SslContext tls) {

  /** Three seconds to connect, a minute for a request, two connections. */
  public static final ClientOptions DEFAULTS =
      new ClientOptions(Duration.ofSeconds(3), Duration.ofSeconds(60), 2, null);

  public ClientOptions {
    if (connectTimeout.isNegative() || connectTimeout.isZero()) {
      throw new IllegalArgumentException("connect timeout: " + connectTimeout);
    }
    if (requestTimeout.isNegative() || requestTimeout.isZero()) {
      throw new IllegalArgumentException("request timeout: " + requestTimeout);
    }
    if (connectionsPerPeer < 1 || connectionsPerPeer > 64) {
      throw new IllegalArgumentException("connections per peer: " + connectionsPerPeer);
    }
  }

  /** The same with another time for requests. */
  public ClientOptions withRequestTimeout(Duration timeout) {
    return new ClientOptions(connectTimeout, timeout, connectionsPerPeer, tls);
  }

  /** The same with another number of connections. */
  public ClientOptions withConnections(int perPeer) {
    return new ClientOptions(connectTimeout, requestTimeout, perPeer, tls);
  }

  /**
   * The same over TLS, with the certificate of a client; without it for null.
   *
   * @throws IOException if the certificate cannot be used
   */
  public ClientOptions withTls(@Nullable TlsFolder folder) throws IOException {
    return new ClientOptions(
        connectTimeout,
        requestTimeout,
        connectionsPerPeer,
        folder == null ? null : folder.client());
  }
}
