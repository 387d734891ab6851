package io.sheepfs.protocol.client;

import java.time.Duration;

/**
 * How a client behaves on the network.
 *
 * @param connectTimeout for one attempt to connect
 * @param requestTimeout for a request with all its repetitions; long enough to ride over the
 *     restart of a sheep
 * @param connectionsPerPeer how many connections are shared by all requests to one sheep
 */
public record ClientOptions(
    Duration connectTimeout, Duration requestTimeout, int connectionsPerPeer) {

  /** Three seconds to connect, a minute for a request, two connections. */
  public static final ClientOptions DEFAULTS =
      new ClientOptions(Duration.ofSeconds(3), Duration.ofSeconds(60), 2);

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
    return new ClientOptions(connectTimeout, timeout, connectionsPerPeer);
  }
}
