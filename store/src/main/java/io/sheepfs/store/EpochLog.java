package io.sheepfs.store;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.object.DamagedFileException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.SealedFile;
import java.io.IOException;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The members of each epoch, one file {@code epoch/%08d} for each: the members, 80 bytes each as on
 * the wire, and the time; sealed.
 *
 * <pre>
 *   0 +------------------------+
 *     | zero               (24)|
 *  24 | address            (16)|  IPv4: twelve zeros, then the address     \
 *  40 | port              (u16)|                                            |
 *  42 | zero               (22)|                                            | per member
 *  64 | virtual nodes     (u16)|                                            |
 *  66 | zero                (2)|                                            |
 *  68 | zone              (u32)|                                            |
 *  72 | space, bytes      (u64)|                                           /
 *     +------------------------+
 *     | Unix time, seconds(s64)|
 *     +------------------------+
 * </pre>
 */
final class EpochLog {

  private static final int MEMBER_BYTES = 80;
  private static final int ADDRESS = 24;
  private static final int ADDRESS_BYTES = 16;
  private static final int IPV4_BYTES = 4;
  private static final int PORT = 40;
  private static final int VIRTUAL_NODES = 64;
  private static final int ZONE = 68;
  private static final int SPACE = 72;

  private final Path directory;
  private final Disk disk;

  EpochLog(Path directory, Disk disk) {
    this.directory = directory;
    this.disk = disk;
  }

  /** Forgets all epochs. */
  void clear() throws IOException {
    for (Path file : disk.list(directory)) {
      disk.delete(file);
    }
    disk.forceDirectory(directory);
  }

  void write(ClusterInfo.Epoch epoch) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(epoch.members().size() * MEMBER_BYTES + Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    int at = 0;
    for (NodeInfo member : epoch.members()) {
      byte[] address = member.address().getAddress();
      bytes.put(at + ADDRESS + ADDRESS_BYTES - address.length, address);
      bytes.putShort(at + PORT, (short) member.port());
      bytes.putShort(at + VIRTUAL_NODES, (short) member.virtualNodes());
      bytes.putInt(at + ZONE, member.zone());
      bytes.putLong(at + SPACE, member.spaceBytes());
      at += MEMBER_BYTES;
    }
    bytes.putLong(at, epoch.started().getEpochSecond());
    SealedFile.replace(disk, directory.resolve(String.format("%08d", epoch.number())), bytes);
  }

  /**
   * All epochs, newest first.
   *
   * @throws DamagedFileException if one is not what was written
   */
  List<ClusterInfo.Epoch> read() throws IOException {
    List<ClusterInfo.Epoch> epochs = new ArrayList<>();
    for (Path file : disk.list(directory)) {
      String name = String.valueOf(file.getFileName());
      if (name.matches("\\d{8}")) {
        epochs.add(decode(Integer.parseInt(name), file, SealedFile.read(disk, file)));
      }
    }
    epochs.sort(Comparator.comparingInt(ClusterInfo.Epoch::number).reversed());
    return epochs;
  }

  private static ClusterInfo.Epoch decode(int number, Path file, ByteBuffer content)
      throws IOException {
    if (content.remaining() % MEMBER_BYTES != Long.BYTES) {
      throw new DamagedFileException(file, "it has " + content.remaining() + " bytes");
    }
    ByteBuffer bytes = content.order(ByteOrder.LITTLE_ENDIAN);
    List<NodeInfo> members = new ArrayList<>();
    int at = 0;
    for (; at + MEMBER_BYTES <= bytes.limit(); at += MEMBER_BYTES) {
      members.add(
          new NodeInfo(
              address(bytes, at + ADDRESS),
              Short.toUnsignedInt(bytes.getShort(at + PORT)),
              Short.toUnsignedInt(bytes.getShort(at + VIRTUAL_NODES)),
              bytes.getInt(at + ZONE),
              bytes.getLong(at + SPACE)));
    }
    try {
      return new ClusterInfo.Epoch(number, Instant.ofEpochSecond(bytes.getLong(at)), members);
    } catch (DateTimeException e) {
      throw new DamagedFileException(file, "its time is impossible");
    }
  }

  private static InetAddress address(ByteBuffer bytes, int at) throws IOException {
    byte[] address = new byte[ADDRESS_BYTES];
    bytes.get(at, address);
    int prefix = ADDRESS_BYTES - IPV4_BYTES;
    for (int i = 0; i < prefix; i++) {
      if (address[i] != 0) {
        return InetAddress.getByAddress(address);
      }
    }
    if (address[prefix] == 0) {
      return Inet6Address.getByAddress(address);
    }
    byte[] four = new byte[IPV4_BYTES];
    System.arraycopy(address, prefix, four, 0, IPV4_BYTES);
    return InetAddress.getByAddress(four);
  }
}
