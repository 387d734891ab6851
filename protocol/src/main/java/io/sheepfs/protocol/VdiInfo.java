package io.sheepfs.protocol;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What an inode's header says of a VDI or snapshot.
 *
 * @param vid the id
 * @param name the name
 * @param tag a snapshot's tag; also the tag that the next snapshot will get, if somebody wrote one
 *     into the working VDI; null if there is none
 * @param snapshotId 1 for the first generation; the working VDI has the highest
 * @param created when the VDI was made
 * @param snapshotTaken when it became a snapshot; null for a working VDI
 * @param sizeBytes the size of the disk
 * @param copies replicas of each object
 * @param blockSizeShift the object size is {@code 1 << blockSizeShift} bytes
 * @param parent the snapshot it was made from; null for none
 */
public record VdiInfo(
    VdiId vid,
    VdiName name,
    @Nullable SnapshotTag tag,
    int snapshotId,
    Instant created,
    @Nullable Instant snapshotTaken,
    long sizeBytes,
    int copies,
    int blockSizeShift,
    @Nullable VdiId parent) {

  public VdiInfo {
    if (sizeBytes < 0 || sizeBytes > VdiSpec.maxSizeBytes(blockSizeShift)) {
      throw new IllegalArgumentException("VDI " + vid + " has an impossible size: " + sizeBytes);
    }
  }

  /** Whether this is a snapshot, whose data never changes. */
  public boolean isSnapshot() {
    return snapshotTaken != null;
  }

  /** Bytes of one object. */
  public long objectSizeBytes() {
    return 1L << blockSizeShift;
  }

  /** How many objects the size spans, the last one perhaps in part. */
  public int objectCount() {
    return (int) ((sizeBytes + objectSizeBytes() - 1) >>> blockSizeShift);
  }
}
