package io.sheepfs.protocol;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Which sheep: 40 bytes on the wire. Two are the same sheep if address and port are.
 *
 * <pre>
 *   0 +-------------------------+
 *     | addr               (16) |  IPv4 in the last four, behind zeros
 *  16 | port              (u16) |
 *  18 | io_addr            (16) |  a second network for data; zeros for none
 *  34 | io_port           (u16) |
 *  36 | pad                 (4) |
 *  40 +-------------------------+
 * </pre>
 */
public record NodeId(InetAddress address, int port, InetAddress ioAddress, int ioPort)
    implements Comparable<NodeId> {

  static final int SIZE_BYTES = 40;

  private static final int ADDRESS = 0;
  private static final int PORT = 16;
  private static final int IO_ADDRESS = 18;
  private static final int IO_PORT = 34;

  /** How many bytes the ring hashes: address and port. */
  private static final int HASHED_BYTES = 18;

  private static final InetAddress NO_ADDRESS = WireAddress.decode(new byte[WireAddress.BYTES]);

  public NodeId {
    Unsigned.checkU16("port", port);
    Unsigned.checkU16("io_port", ioPort);
  }

  /** A sheep without a second network. */
  public NodeId(InetAddress address, int port) {
    this(address, port, NO_ADDRESS, 0);
  }

  /** The bytes that place the sheep on the ring: {@link Fnv1a#ringPosition(byte[])} of them. */
  public byte[] ringBytes() {
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    encode(bytes);
    byte[] hashed = new byte[HASHED_BYTES];
    bytes.get(0, hashed);
    return hashed;
  }

  static NodeId decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    return new NodeId(
        address(bytes, ADDRESS),
        WireBytes.u16(bytes, PORT),
        address(bytes, IO_ADDRESS),
        WireBytes.u16(bytes, IO_PORT));
  }

  void encode(ByteBuffer target) {
    ByteBuffer bytes = WireBytes.take(target, SIZE_BYTES);
    bytes.put(ADDRESS, WireAddress.encode(address));
    bytes.putShort(PORT, (short) port);
    bytes.put(IO_ADDRESS, WireAddress.encode(ioAddress));
    bytes.putShort(IO_PORT, (short) ioPort);
  }

  private static InetAddress address(ByteBuffer bytes, int offset) {
    byte[] raw = new byte[WireAddress.BYTES];
    bytes.get(offset, raw);
    return WireAddress.decode(raw);
  }

  /** By address, then port: the order of every node list. */
  @Override
  public int compareTo(NodeId other) {
    int byAddress =
        Arrays.compareUnsigned(WireAddress.encode(address), WireAddress.encode(other.address));
    return byAddress != 0 ? byAddress : Integer.compare(port, other.port);
  }
}
