package io.sheepfs.dog;

/** How a cluster works, decided when it is formatted: the {@code SD_CLUSTER_FLAG_*} bits. */
enum ClusterFlag {
  /** Refuse writes while there are fewer nodes than copies. */
  STRICT(0x0001),
  /** Each disk is a node of the ring. */
  DISK_MODE(0x0002),
  /** The share of a node on the ring follows from the size of its disks. */
  AUTO_VNODES(0x0004),
  /** A VDI can be locked. */
  USE_LOCK(0x0008),
  /** The id of a deleted VDI may be used again. */
  RECYCLE_VID(0x0010),
  /** No recovery that would fill a disk. */
  AVOID_DISK_FULL(0x0020);

  private final int bit;

  ClusterFlag(int bit) {
    this.bit = bit;
  }

  int bit() {
    return bit;
  }

  boolean isIn(int flags) {
    return (flags & bit) != 0;
  }
}
