package io.sheepfs.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * The file {@code config} of a store directory, without its seal.
 *
 * <pre>
 *   0 +--------------------------+
 *     | ctime               (u64)|  when it was formatted; 0: not yet
 *   8 | flags               (u16)|  SD_CLUSTER_FLAG_*
 *  10 | copies               (u8)|
 *  11 | store driver, NUL-padded |  (16)
 *  27 | shutdown             (u8)|
 *  28 | copy policy          (u8)|  0: replication
 *  29 | block size shift     (u8)|
 *  30 | version             (u16)|
 *  32 | space               (u64)|  0
 *  40 +--------------------------+
 * </pre>
 *
 * <p>Little-endian, as the original has it. The version is our own: the original keeps reference
 * counts in its inodes, which we do not, so neither must open the store of the other.
 *
 * @param createTime as on the wire: seconds in the high half, nanoseconds in the low one
 */
record StoreConfig(
    Kind kind, long createTime, int flags, int copies, String storeDriver, int blockSizeShift) {

  static final int BYTES = 40;
  static final int DRIVER_BYTES = 16;

  /** Whose store it is; each has a version of its own, so that neither takes the other's. */
  enum Kind {
    /** A {@link LocalSheep}'s. */
    ALONE(0x4A03, 0x4A01, "that of a node alone"),
    /** That of a node of a cluster. */
    MEMBER(0x4A04, 0x4A02, "that of a node of a cluster");

    private final int version;

    /** The version of the time before files were sealed. */
    private final int unsealedVersion;

    final String description;

    Kind(int version, int unsealedVersion, String description) {
      this.version = version;
      this.unsealedVersion = unsealedVersion;
      this.description = description;
    }
  }

  /** The version of the original, 1.0. */
  private static final int ORIGINAL_VERSION = 6;

  private static final int FLAGS = 8;
  private static final int COPIES = 10;
  private static final int DRIVER = 11;
  private static final int BLOCK_SIZE_SHIFT = 29;
  private static final int VERSION_OFFSET = 30;

  /** A store that was not formatted yet. */
  static StoreConfig unformatted(int copies, int blockSizeShift) {
    return new StoreConfig(Kind.ALONE, 0, 0, copies, "plain", blockSizeShift);
  }

  boolean isFormatted() {
    return createTime != 0;
  }

  ByteBuffer encode() {
    ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(0, createTime);
    bytes.putShort(FLAGS, (short) flags);
    bytes.put(COPIES, (byte) copies);
    bytes.put(DRIVER, storeDriver.getBytes(StandardCharsets.US_ASCII));
    bytes.put(BLOCK_SIZE_SHIFT, (byte) blockSizeShift);
    bytes.putShort(VERSION_OFFSET, (short) kind.version);
    return bytes;
  }

  /**
   * Reads the file's content.
   *
   * @param isSealed whether the file was
   * @throws IOException with a message for the user, if it is not one of ours
   */
  static StoreConfig decode(ByteBuffer content, boolean isSealed) throws IOException {
    if (content.remaining() != BYTES) {
      throw new IOException("its config has " + content.remaining() + " bytes, not " + BYTES);
    }
    ByteBuffer bytes = content.slice().order(ByteOrder.LITTLE_ENDIAN);
    byte[] driver = new byte[DRIVER_BYTES];
    bytes.get(DRIVER, driver);
    return new StoreConfig(
        kind(Short.toUnsignedInt(bytes.getShort(VERSION_OFFSET)), isSealed),
        bytes.getLong(0),
        Short.toUnsignedInt(bytes.getShort(FLAGS)),
        Byte.toUnsignedInt(bytes.get(COPIES)),
        new String(driver, StandardCharsets.US_ASCII).replace("\0", ""),
        Byte.toUnsignedInt(bytes.get(BLOCK_SIZE_SHIFT)));
  }

  private static Kind kind(int version, boolean isSealed) throws IOException {
    for (Kind kind : Kind.values()) {
      if (version == (isSealed ? kind.version : kind.unsealedVersion)) {
        return kind;
      }
      if (version == kind.version) {
        throw new IOException("its config is damaged: it is cut off");
      }
    }
    if (version <= ORIGINAL_VERSION) {
      throw new IOException(
          "it was made by the original sheep (format "
              + version
              + "), which keeps reference counts that this one does not");
    }
    throw new IOException(
        "it has format 0x"
            + Integer.toHexString(version)
            + ", which this version does not know; a later one may have made it");
  }
}
