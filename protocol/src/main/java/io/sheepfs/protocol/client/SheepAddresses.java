package io.sheepfs.protocol.client;

import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;

/** The sheep of one cluster as people write them: {@code HOST[:PORT][,HOST[:PORT]..]}. */
public final class SheepAddresses {

  private static final int MAX_PORT = 0xFFFF;

  private SheepAddresses() {}

  /**
   * Reads a list of addresses. One of IPv6 with a port stands in brackets.
   *
   * @param port where none is told
   * @throws IllegalArgumentException with a message for the user
   */
  public static List<InetSocketAddress> parse(String text, int port) {
    List<InetSocketAddress> addresses = new ArrayList<>();
    for (String one : text.split(",", -1)) {
      int colon = one.lastIndexOf(':');
      boolean bracketed = one.startsWith("[");
      boolean hasPort = bracketed ? one.contains("]:") : colon >= 0 && colon == one.indexOf(':');
      String host = hasPort ? one.substring(0, colon) : one;
      if (bracketed && host.endsWith("]")) {
        host = host.substring(1, host.length() - 1);
      }
      if (host.isEmpty()) {
        throw new IllegalArgumentException("not the address of a sheep: '" + text + "'");
      }
      int number = hasPort ? port(one.substring(colon + 1), text) : port;
      addresses.add(new InetSocketAddress(host, number));
    }
    return addresses;
  }

  private static int port(String digits, String text) {
    try {
      int number = Integer.parseInt(digits);
      if (number > 0 && number <= MAX_PORT) {
        return number;
      }
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("not a port in '" + text + "'", e);
    }
    throw new IllegalArgumentException("not a port in '" + text + "'");
  }
}
