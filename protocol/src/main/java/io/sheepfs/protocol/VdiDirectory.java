package io.sheepfs.protocol;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The VDIs of a cluster: names, snapshots, clones, locks.
 *
 * <p><b>Threads.</b> Safe for any number of threads. Changes of one cluster happen one after the
 * other.
 *
 * <p><b>Durability.</b> A change is on stable storage on every replica when the call returns, and
 * atomic: after a crash it has happened as a whole or not at all. A deletion that was begun is
 * completed at the next start.
 *
 * <p><b>Names.</b> One name has at most one working VDI, and any number of snapshots. The id of the
 * working VDI changes at each snapshot: the old id becomes the snapshot's.
 */
public interface VdiDirectory {

  /**
   * All working VDIs and snapshots, by id. Entries with impossible names are left out, and logged.
   */
  List<VdiInfo> list() throws SheepException;

  /**
   * The working VDI of that name.
   *
   * @throws SheepException {@link ResultCode#NO_VDI}
   */
  VdiInfo lookup(VdiName name) throws SheepException;

  /**
   * A snapshot.
   *
   * @throws SheepException {@link ResultCode#NO_VDI} if nothing has that name, {@link
   *     ResultCode#NO_TAG} if the VDI has no such snapshot
   */
  VdiInfo lookup(VdiName name, SnapshotSelector snapshot) throws SheepException;

  /**
   * Makes an empty VDI. It takes no space for data.
   *
   * @throws SheepException {@link ResultCode#VDI_EXIST}, {@link ResultCode#INVALID_PARMS} for an
   *     impossible size, {@link ResultCode#FULL_VDI}
   */
  VdiInfo create(VdiName name, VdiSpec spec) throws SheepException;

  /**
   * Freezes the working VDI as a snapshot and goes on with a new working VDI that shares its
   * objects. A lock on the old id holds the new one from then on. What was written with {@link
   * Durability#UNSTABLE} before is part of the snapshot and durable when this returns.
   *
   * @return the new working VDI
   * @throws SheepException {@link ResultCode#NO_VDI}, {@link ResultCode#VDI_EXIST} if the tag is
   *     taken
   */
  VdiInfo snapshot(VdiName name, SnapshotTag tag) throws SheepException;

  /**
   * Makes a VDI that starts with the content of a snapshot.
   *
   * @throws SheepException {@link ResultCode#NO_BASE_VDI}, {@link ResultCode#INVALID_PARMS} if it
   *     is no snapshot, {@link ResultCode#VDI_EXIST}
   */
  VdiInfo cloneSnapshot(VdiId snapshot, VdiName name) throws SheepException;

  /**
   * Changes the size. Shrinking frees the objects behind the new end and zeroes the rest of the
   * last one. Not for a VDI that is open elsewhere: whoever writes a VDI resizes it through its own
   * view of the inode.
   *
   * @param sizeBytes 0 to the limit of {@link VdiSpec#maxSizeBytes(int)}
   */
  VdiInfo resize(VdiName name, long sizeBytes) throws SheepException;

  /**
   * Removes the working VDI and every object that nothing else refers to.
   *
   * @throws SheepException {@link ResultCode#NO_VDI}, {@link ResultCode#VDI_LOCKED} if somebody
   *     else has it locked
   */
  void delete(VdiName name) throws SheepException;

  /**
   * Removes a snapshot and every object that nothing else refers to. Clones of it stay whole.
   *
   * @throws SheepException {@link ResultCode#NO_VDI}, {@link ResultCode#NO_TAG}
   */
  void delete(VdiName name, SnapshotSelector snapshot) throws SheepException;

  /**
   * Takes the one writer's lock of a working VDI, in the whole cluster. It does not wait.
   *
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if somebody has it, {@link
   *     ResultCode#NO_VDI}
   */
  default VdiLock lock(VdiName name) throws SheepException {
    return lock(name, null);
  }

  /**
   * Takes the lock and leaves a mark with the VDI that tells the caches of others that it is being
   * written, until the lock is closed; see {@link WriterMarks}.
   *
   * @param handover called when the lock is got; null for a writer without a cache, which leaves a
   *     mark only where somebody left one before
   * @throws SheepException as {@link #lock(VdiName)}, and what {@code handover} throws
   */
  VdiLock lock(VdiName name, @Nullable WriterHandover handover) throws SheepException;

  /**
   * The mark that the last writer left with a working VDI: it follows the name through snapshots,
   * and ends with the deletion of the working VDI.
   *
   * @return null if no writer left a mark
   */
  @Nullable WriterMark lastWriter(VdiName name) throws SheepException;
}
