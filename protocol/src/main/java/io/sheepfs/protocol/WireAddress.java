package io.sheepfs.protocol;

import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * An IP address in the 16 bytes that every structure has for one: an IPv4 address is in the last
 * four, behind twelve zeros; an IPv6 address fills them.
 */
final class WireAddress {

  static final int BYTES = 16;
  private static final int IPV4_START = 12;

  private WireAddress() {}

  /** The sixteen bytes of {@code address}. */
  static byte[] encode(InetAddress address) {
    byte[] raw = address.getAddress();
    if (!(address instanceof Inet4Address)) {
      return raw;
    }
    byte[] bytes = new byte[BYTES];
    System.arraycopy(raw, 0, bytes, IPV4_START, raw.length);
    return bytes;
  }

  /** The address in {@code bytes}; sixteen zeros are the IPv6 wildcard, as in the original. */
  static InetAddress decode(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("an address has 16 bytes, not " + bytes.length);
    }
    boolean ipv4 = bytes[IPV4_START] != 0;
    for (int i = 0; i < IPV4_START; i++) {
      ipv4 &= bytes[i] == 0;
    }
    try {
      return InetAddress.getByAddress(ipv4 ? Arrays.copyOfRange(bytes, IPV4_START, BYTES) : bytes);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("4 and 16 bytes are always an address", e);
    }
  }
}
