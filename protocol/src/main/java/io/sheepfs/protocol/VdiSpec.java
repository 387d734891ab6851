package io.sheepfs.protocol;

/**
 * What a new VDI should be.
 *
 * @param sizeBytes 0 to {@link #maxSizeBytes}
 * @param copies replicas of each object, 1 to 8; 0 takes the cluster's default
 * @param blockSizeShift the object size is {@code 1 << blockSizeShift} bytes, 20 to 31; 0 takes the
 *     cluster's default, usually 22
 */
public record VdiSpec(long sizeBytes, int copies, int blockSizeShift) {

  /** The usual object size: 4 MiB. */
  public static final int DEFAULT_BLOCK_SIZE_SHIFT = 22;

  private static final int MIN_SHIFT = 20;
  private static final int MAX_SHIFT = 31;
  private static final int MAX_COPIES = 8;

  public VdiSpec {
    if (blockSizeShift != 0 && (blockSizeShift < MIN_SHIFT || blockSizeShift > MAX_SHIFT)) {
      throw new IllegalArgumentException(
          "block size shift is " + blockSizeShift + "; it can be 20 (1 MiB) to 31 (2 GiB)");
    }
    if (copies < 0 || copies > MAX_COPIES) {
      throw new IllegalArgumentException("copies is " + copies + "; it can be 1 to 8");
    }
    long max = maxSizeBytes(blockSizeShift == 0 ? MAX_SHIFT : blockSizeShift);
    if (sizeBytes < 0 || sizeBytes > max) {
      throw new IllegalArgumentException(
          "size is " + sizeBytes + " bytes; a VDI can have " + max + " at most");
    }
  }

  /** A VDI with the cluster's defaults. */
  public static VdiSpec ofSize(long sizeBytes) {
    return new VdiSpec(sizeBytes, 0, 0);
  }

  /** The largest VDI with objects of {@code 1 << blockSizeShift} bytes: 4 TiB for 4 MiB objects. */
  public static long maxSizeBytes(int blockSizeShift) {
    return (long) InodeLayout.INDEX_ENTRIES << blockSizeShift;
  }
}
