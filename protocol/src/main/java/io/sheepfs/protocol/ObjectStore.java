package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;

/**
 * The objects of a cluster, as a client sees them.
 *
 * <p><b>Blocking.</b> A call returns when it is done. Whoever wants many in flight calls from many
 * threads; an implementation that talks over a network keeps them all on the wire at once.
 *
 * <p><b>Threads.</b> Safe for any number of threads. Calls that touch the same bytes at the same
 * time happen in some order; within 4 KiB-aligned blocks no mixture is seen. Calls on different
 * objects never wait for each other's I/O.
 *
 * <p><b>Buffers.</b> The callee reads or fills from position to limit and leaves the position at
 * the limit when it succeeds; when it throws, position and content are undefined. It keeps no
 * reference after it returned. Direct buffers are passed on without a copy.
 *
 * <p><b>Bounds.</b> {@code offset} plus the buffer's remaining bytes never exceed the object's
 * size: {@link InodeLayout#SIZE_BYTES} for an inode, {@code 1 << blockSizeShift} for a data object.
 * Anything else fails with {@link ResultCode#INVALID_PARMS} and changes nothing.
 *
 * <p><b>Indexes.</b> A write to the object index of an inode ({@link InodeLayout#indexOffset})
 * tells the store that references came or went: an object that no inode refers to any more is
 * removed by the store, by and by. Clients free objects by writing zeros there. So the order of a
 * client's steps is always: object before index.
 *
 * <p><b>Failures.</b> {@link SheepException}; nothing has changed then, unless it is an {@link
 * OutcomeUnknownException}. Out of space is {@link ResultCode#NO_SPACE}, a failing disk {@link
 * ResultCode#EIO}.
 */
public interface ObjectStore {

  /**
   * Fills {@code dst} from {@code offset} on. Bytes never written read as zeros.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ} if there is no such object
   */
  void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException;

  /**
   * Tells that a range will probably be read soon, so that a store that caches can fetch it before.
   * Returns at once and never fails; a store that does not cache does nothing.
   *
   * @param wanted asked, from any thread, just before the range would be fetched: false if nobody
   *     is going to read it any more
   */
  default void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {}

  /**
   * Overwrites part of an object that exists.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ} if there is no such object, {@link
   *     ResultCode#READONLY} for a data object of a snapshot
   */
  void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException;

  /**
   * Makes an object that holds {@code src} at {@code offset} and zeros elsewhere, in place of any
   * earlier object of that id. Atomic: after a crash it is there as a whole or not at all. In place
   * of another it is durable at once, so that an index entry that is written later can not lead to
   * that other one.
   *
   * @throws SheepException {@link ResultCode#READONLY} for a data object of a snapshot
   */
  void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException;

  /**
   * Copy on write: as {@link #create}, with the bytes of {@code source} elsewhere. {@code src} may
   * be empty.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ} if there is no {@code source}, {@link
   *     ResultCode#READONLY} for a data object of a snapshot
   */
  void createCopy(ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException;

  /**
   * Makes a range read as zeros and gives its space back where that can be done. An absent object
   * is left absent.
   *
   * @throws SheepException {@link ResultCode#READONLY} for a data object of a snapshot
   */
  void discard(ObjectId oid, long offset, long length, Durability durability) throws SheepException;

  /** Removes an object; one that is not there is a success. Durable at the next {@link #flush}. */
  void remove(ObjectId oid) throws SheepException;

  /**
   * The flush_vdi operation: when it returns, everything that was written to the objects and the
   * inode of {@code vid} before the call is on stable storage on every replica. Calls for one VDI
   * that overlap may share the work.
   *
   * @throws SheepException if anything could not be made durable; then nothing of it counts as
   *     flushed, and the next flush tries, and fails, again until the data is safe
   */
  void flush(VdiId vid) throws SheepException;

  /**
   * How often changes of a VDI that were not flushed may have been lost, as far as is known: after
   * the power cut of a sheep's machine, say. A change that was {@link Durability#UNSTABLE} is safe
   * when a flush that began after it has succeeded, and the number is still what it was <em>before
   * the change was asked for</em>; else it must be made again. A flush brings the number up to date
   * before it returns.
   *
   * <p>It never waits. A store that loses nothing, or makes up for it, always says 0.
   */
  default long losses(VdiId vid) {
    return 0;
  }

  /**
   * For a writer that finds that its VDI has become a snapshot meanwhile, and goes on with the
   * VDI's successor.
   *
   * <p>What this store holds back is moved there, since the cluster does not take the writes any
   * more that it had promised to hand on. Objects come before index entries, as always; the caller
   * reads the successor's index again afterwards. It keeps all writers of the VDI out meanwhile.
   *
   * <p>From then on {@link #losses} of the successor is what those of the snapshot were, or more,
   * and up to date with them: a number that was noted for the one can be compared with the other.
   *
   * @param snapshot what the caller, who holds the lock, wrote to
   * @param successor the working VDI that goes on from there
   */
  default void continueAs(VdiId snapshot, VdiId successor) throws SheepException {}
}
