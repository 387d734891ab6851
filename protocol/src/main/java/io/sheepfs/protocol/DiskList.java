package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * The answer to MD_INFO ({@code sd_md_info}), the disks of a node: 263688 bytes.
 *
 * <pre>
 *       0 +---------------------------+
 *         | disk[64]          (4120)  |
 *         |     0 idx          (i32)  |
 *         |     4 pad            (4)  |
 *         |     8 free         (u64)  |
 *         |    16 used         (u64)  |
 *         |    24 path        (4096)  |
 *  263680 +---------------------------+
 *         | nr                 (i32)  |
 *  263684 | pad                  (4)  |
 *  263688 +---------------------------+
 * </pre>
 */
public record DiskList(List<Disk> disks) {

  /** The most disks a node can have. */
  public static final int MAX_DISKS = 64;

  /** Bytes of the list. */
  public static final int SIZE_BYTES = 263_688;

  private static final int DISK_BYTES = 4120;
  private static final int INDEX = 0;
  private static final int FREE = 8;
  private static final int USED = 16;
  private static final int PATH = 24;
  private static final int PATH_BYTES = 4096;
  private static final int COUNT = 263_680;

  /** One disk. */
  public record Disk(int index, long freeBytes, long usedBytes, String path) {}

  public DiskList {
    disks = List.copyOf(disks);
    if (disks.size() > MAX_DISKS) {
      throw new IllegalArgumentException(disks.size() + " disks; 64 are possible");
    }
  }

  /** Reads a list from {@code source}'s position on. */
  public static DiskList decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    int count = bytes.getInt(COUNT);
    if (count < 0 || count > MAX_DISKS) {
      throw new IllegalArgumentException("impossible number of disks: " + count);
    }
    List<Disk> disks = new ArrayList<>(count);
    for (int at = 0; at < count * DISK_BYTES; at += DISK_BYTES) {
      disks.add(
          new Disk(
              bytes.getInt(at + INDEX),
              bytes.getLong(at + FREE),
              bytes.getLong(at + USED),
              WireBytes.text(bytes, at + PATH, PATH_BYTES)));
    }
    return new DiskList(disks);
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    int at = 0;
    for (Disk disk : disks) {
      bytes.putInt(at + INDEX, disk.index());
      bytes.putLong(at + FREE, disk.freeBytes());
      bytes.putLong(at + USED, disk.usedBytes());
      WireBytes.putText(bytes, at + PATH, PATH_BYTES, disk.path());
      at += DISK_BYTES;
    }
    return bytes.putInt(COUNT, disks.size());
  }
}
