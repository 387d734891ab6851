package io.sheepfs.store.cluster;

import io.sheepfs.protocol.VdiSpec;

/**
 * How a cluster was formatted: what never changes until it is formatted again. Which nodes it has
 * is said by its {@link Epoch}s.
 *
 * <p>As text: {@code format CTIME FLAGS COPIES SHIFT DRIVER}.
 *
 * @param createTime seconds in the high half, nanoseconds in the low one
 */
record Layout(long createTime, int flags, int copies, int blockSizeShift, String driver) {

  /** The largest objects that fit into one message. */
  static final int MAX_BLOCK_SIZE_SHIFT = 23;

  /** {@code SD_CLUSTER_FLAG_AUTO_VNODES}. */
  private static final int AUTO_VNODES = 0x0004;

  /** Whether disks say how many virtual nodes their node has. */
  boolean goesByDisks() {
    return (flags & AUTO_VNODES) != 0;
  }

  String encode() {
    return "format %x %d %d %d %s\n".formatted(createTime, flags, copies, blockSizeShift, driver);
  }

  /**
   * What {@link #encode} made.
   *
   * @throws RuntimeException if it is anything else
   */
  static Layout decode(String text) {
    String[] words = text.lines().findFirst().orElse("").split(" ", -1);
    if (!words[0].equals("format")) {
      throw new IllegalArgumentException("not a layout: " + words[0]);
    }
    VdiSpec checked = new VdiSpec(0, Integer.parseInt(words[3]), Integer.parseInt(words[4]));
    return new Layout(
        Long.parseUnsignedLong(words[1], 16),
        Integer.parseInt(words[2]),
        checked.copies(),
        checked.blockSizeShift(),
        words[5]);
  }
}
