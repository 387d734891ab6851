package io.sheepfs.cache;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes objects again that the store lost with the machine it ran on, or whose bytes it could not
 * put on its disk. Safe for any number of threads.
 */
final class Restorer {

  private static final Logger log = LoggerFactory.getLogger(Restorer.class);

  /** Larger objects are not made anew from one buffer. */
  private static final int MAX_BYTES = 64 << 20;

  private final ObjectStore backing;
  private final CacheIndex index;

  Restorer(ObjectStore backing, CacheIndex index) {
    this.backing = backing;
    this.index = index;
  }

  /** What became of an object that the store says it does not have. */
  enum Missing {
    /** Its VDI is gone, or gave it up. */
    UNWANTED,
    /** It is there again, as it was made; what was written to it since must be pushed again. */
    MADE_AGAIN
  }

  /**
   * Finds out why an object is missing, and makes it again if it was never flushed.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ} if it was flushed, so that it is damage
   */
  Missing missing(CachedObject object) throws SheepException {
    ObjectId oid = object.oid;
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    ByteBuffer name = ByteBuffer.allocate(1);
    ObjectId inode = ObjectId.inode(oid.vid());
    try {
      backing.read(inode, InodeLayout.NAME, name);
      backing.read(inode, InodeLayout.indexOffset(oid.index()), entry);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return Missing.UNWANTED;
      }
      throw e;
    }
    boolean named = entry.getInt(0) == oid.vid().value();
    if (name.get(0) == 0) {
      return Missing.UNWANTED;
    }
    synchronized (object.restoring) {
      Origin origin = object.origin;
      if (origin == null) {
        if (named) {
          throw new SheepException(ResultCode.NO_OBJ, "push " + oid + ", which had been flushed");
        }
        return Missing.UNWANTED;
      }
      if (isMissing(oid)) {
        object.vdi.losses.incrementAndGet(); // what else was pushed goes again
        if (!make(oid, origin)) {
          return Missing.UNWANTED;
        }
        log.warn("the store lost object {} before it was flushed; it is made again", oid);
      }
      if (!named) {
        object.vdi.inode.name(backing, oid, object.vdi.incarnation(backing));
      }
      return Missing.MADE_AGAIN;
    }
  }

  /**
   * Makes an object as it was made.
   *
   * @return false if what it was copied from is gone. That goes only after the index entry of the
   *     copy was durable, and with that one the copy is never lost: it was removed.
   */
  private boolean make(ObjectId oid, Origin origin) throws SheepException {
    ByteBuffer nothing = ByteBuffer.allocate(0);
    ObjectId source = origin.sourceOf(oid);
    if (source == null) {
      backing.create(oid, 0, nothing, Durability.UNSTABLE);
      return true;
    }
    try {
      backing.createCopy(oid, source, 0, nothing, Durability.STABLE);
      return true;
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ && isMissing(source)) {
        return false;
      }
      throw e;
    }
  }

  /**
   * Makes an object as it was made, since the store may have lost its making: it may be missing, or
   * an earlier object of that id may be there again. All that was written to it since is dirty, and
   * must be pushed again.
   *
   * @param incarnation of the store, from before the call
   */
  void makeAnew(CachedObject first, long incarnation) throws SheepException {
    CachedObject object = index.begin(first);
    try {
      Origin origin = object.origin;
      if (origin == null || object.madeUnder == incarnation) {
        return;
      }
      // A copy is stable when it is made, and what it was made of may be gone since.
      boolean needed = origin.source() == null || isMissing(object.oid);
      if (needed && !make(object.oid, origin)) {
        index.forget(object);
        return;
      }
      object.vdi.inode.name(backing, object.oid, incarnation);
      long stamp = object.lock.writeLock();
      try {
        object.madeUnder = incarnation;
        object.current.clear();
        object.flushing.clear();
      } finally {
        object.lock.unlockWrite(stamp);
      }
    } finally {
      index.end(object, true);
    }
  }

  private boolean isMissing(ObjectId oid) throws SheepException {
    try {
      backing.read(oid, 0, ByteBuffer.allocate(1));
      return false;
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return true;
      }
      throw e;
    }
  }

  /**
   * Creates an object anew, as it is: for a store that could not put what it was given on its disk,
   * and may have dropped it. Only for an object of which all that is not flushed is dirty here.
   */
  void remake(CachedObject first) throws SheepException {
    if (1L << first.vdi.blockSizeShift > MAX_BYTES) {
      return;
    }
    CachedObject object = index.begin(first);
    try {
      if (!object.remake) {
        return;
      }
      ByteBuffer whole = ByteBuffer.allocate(object.blocks() << BlockMap.BLOCK_SHIFT);
      if (object.origin != null && missing(object) == Missing.UNWANTED) {
        return;
      }
      readAll(object, whole);
      backing.create(object.oid, 0, whole.rewind(), Durability.STABLE);
      long stamp = object.lock.writeLock();
      try {
        object.remake = false;
        object.allCurrent();
      } finally {
        object.lock.unlockWrite(stamp);
      }
    } finally {
      index.end(object, true);
    }
  }

  private void readAll(CachedObject object, ByteBuffer whole) throws SheepException {
    int blocks = object.blocks();
    for (int from = 0; from < blocks; ) {
      boolean here = object.isValid(from, from + 1);
      int to = from + 1;
      while (to < blocks && object.isValid(to, to + 1) == here) {
        to++;
      }
      whole.limit(to << BlockMap.BLOCK_SHIFT).position(from << BlockMap.BLOCK_SHIFT);
      if (here) {
        long stamp = object.lock.writeLock();
        try {
          object.prepare(index.disk);
          object.read(whole, (long) from << BlockMap.BLOCK_SHIFT);
        } catch (IOException e) {
          throw new SheepException(ResultCode.EIO, "read cached object " + object.oid, e);
        } finally {
          object.lock.unlockWrite(stamp);
        }
      } else {
        backing.read(object.oid, (long) from << BlockMap.BLOCK_SHIFT, whole);
      }
      from = to;
    }
    whole.clear();
  }
}
