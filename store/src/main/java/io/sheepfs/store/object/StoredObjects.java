package io.sheepfs.store.object;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * Objects by id, whatever they mean: the files of one node ({@link ObjectFiles}), or the replicas
 * of a cluster. Bytes behind what was written read as zeros. Who may write what, and how long an
 * object may be, is up to the caller.
 *
 * <p>Buffers are read or filled from position to limit. Safe for any number of threads.
 */
public interface StoredObjects {

  /**
   * Fills {@code dst} from {@code offset} on.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  void read(ObjectId oid, long offset, ByteBuffer dst) throws SheepException;

  /** Tells that a range will probably be read soon; see {@link ObjectStore#expect}. */
  default void expect(ObjectId oid, long offset, long length, BooleanSupplier wanted) {}

  /**
   * Overwrites part of an object.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  void write(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException;

  /**
   * Makes a range read as zeros. The object takes less space if the range reaches to {@code
   * sizeBytes}, the size of the object.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  void zero(ObjectId oid, long start, long end, long sizeBytes, Durability durability)
      throws SheepException;

  /**
   * Makes what was written to one object durable, and its name.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  void force(ObjectId oid) throws SheepException;

  /** Makes all creations, replacements and removals durable. */
  void forceNames() throws SheepException;

  /** Makes an object of {@code src} at {@code offset}, in place of any other of that id. */
  void create(ObjectId oid, long offset, ByteBuffer src, Durability durability)
      throws SheepException;

  /**
   * Makes an object of {@code src} at {@code offset}, and of the bytes of {@code source} elsewhere.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ} if there is no {@code source}
   */
  void createCopy(ObjectId oid, ObjectId source, long offset, ByteBuffer src, Durability durability)
      throws SheepException;

  /** Removes an object; false if there was none. */
  boolean remove(ObjectId oid) throws SheepException;

  /** Whether a change of an object, or its removal, has to wait for no node that is away. */
  default boolean isWithinReach(ObjectId oid) throws SheepException {
    return true;
  }

  /** Whether there is such an object. */
  boolean exists(ObjectId oid) throws SheepException;

  /**
   * How many bytes of an object are stored; those behind are zeros.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}
   */
  long storedBytes(ObjectId oid) throws SheepException;

  /** The ids of all objects, in no order; the caller may change the list. */
  List<ObjectId> list() throws SheepException;

  /** The data objects of a VDI, in no order, whether its index names them or not. */
  List<ObjectId> dataOf(VdiId vid) throws SheepException;

  /** Makes durable what was written to the objects of a VDI before the call. */
  void flush(VdiId vid) throws SheepException;
}
