package io.sheepfs.telemetry;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** What {@code --metrics [HOST:]PORT} says. */
public final class MetricsAddress {

  private static final int MAX_PORT = 0xFFFF;

  private MetricsAddress() {}

  /**
   * An address at which nobody from elsewhere can ask.
   *
   * @param text null for none
   * @throws IllegalArgumentException with a message for the user
   */
  public static @Nullable InetSocketAddress parse(@Nullable String text) {
    if (text == null) {
      return null;
    }
    int colon = text.lastIndexOf(':');
    String host = colon < 0 ? "127.0.0.1" : text.substring(0, colon);
    int port;
    try {
      port = Integer.parseUnsignedInt(text.substring(colon + 1));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("not [HOST:]PORT: metrics=" + text, e);
    }
    if (port > MAX_PORT) {
      throw new IllegalArgumentException("not a port: metrics=" + text);
    }
    InetSocketAddress address = new InetSocketAddress(host, port);
    if (address.isUnresolved() || !address.getAddress().isLoopbackAddress()) {
      throw new IllegalArgumentException(
          "metrics are told on a loopback address only, and that is none: " + host);
    }
    return address;
  }
}
