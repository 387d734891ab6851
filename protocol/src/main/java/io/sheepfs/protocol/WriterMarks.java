package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The marks of the writers of a cluster's VDIs, each kept as an attribute of its VDI. So any sheep
 * can keep them, the original's too, and {@code dog vdi getattr NAME sheepfs.writer} shows them.
 * Only the holder of the lock of a VDI changes its mark. Safe for any number of threads.
 *
 * <p>All who have caches, or write, stick to this:
 *
 * <ul>
 *   <li>Whoever has got the lock leaves a new token, open, before its first write. When its last
 *       write is flushed it closes the mark, and then lets the lock go.
 *   <li>A VDI without a mark is nobody's to cache: then those who write without a cache need not
 *       leave marks, and most clusters never see one.
 *   <li>A reader believes its cache while the mark is closed and has the token that it had when the
 *       cache was filled; while it is open, somebody may be writing, and the reader asks the
 *       cluster.
 * </ul>
 */
public final class WriterMarks {

  private static final Logger log = LoggerFactory.getLogger(WriterMarks.class);
  private static final String KEY = "sheepfs.writer";

  /** How many other attributes may be in the way, whose hash is the same. */
  private static final int MAX_SLOTS = 16;

  private static final int CREATE_TIME = 512;
  private static final int SNAPSHOT_ID = 520;
  private static final int VALUE_LENGTH = 524;
  private static final int FIELDS = 528;
  private static final int VALUE = 784;

  private final ObjectStore objects;

  /** The marks that {@code objects} has. */
  public WriterMarks(ObjectStore objects) {
    this.objects = objects;
  }

  /** What the last writer of a VDI left; null if nobody left anything. */
  public @Nullable WriterMark read(VdiName name) throws SheepException {
    return find(name).mark();
  }

  /**
   * Leaves a mark in place of the last; it is durable when this returns. To be called by the holder
   * of the lock.
   */
  public void leave(VdiName name, WriterMark mark) throws SheepException {
    Slot slot = find(name);
    ByteBuffer value = ByteBuffer.wrap(mark.toBytes());
    if (slot.mark() != null) {
      objects.write(slot.oid(), VALUE, value, Durability.STABLE);
    } else {
      ByteBuffer attribute = attribute(name, value.array()).encode();
      objects.create(slot.oid(), 0, attribute.clear(), Durability.STABLE);
    }
  }

  /** Takes the mark of a VDI away that is about to be deleted. */
  public void remove(VdiName name) throws SheepException {
    Slot slot = find(name);
    if (slot.mark() != null) {
      // as the original deletes attributes: the slot stays, for the way to those behind it
      objects.write(slot.oid(), 0, ByteBuffer.allocate(1), Durability.STABLE);
    }
  }

  /**
   * Does what a writer has to do with marks as long as it has the lock.
   *
   * @param lock just taken; closed if this fails
   * @param handover null for a writer without a cache
   */
  public VdiLock hold(VdiLock lock, @Nullable WriterHandover handover) throws SheepException {
    boolean done = false;
    try {
      VdiName name = lock.vdi().name();
      WriterMark last = read(name);
      if (handover == null && last == null) {
        done = true;
        return lock;
      }
      UUID token = handover == null ? UUID.randomUUID() : handover.take(lock.vdi(), last);
      leave(name, new WriterMark(token, true));
      done = true;
      return new MarkedLock(lock, token);
    } finally {
      if (!done) {
        lock.close();
      }
    }
  }

  /** A lock whose holder left an open mark, which is closed before the lock is let go. */
  private final class MarkedLock implements VdiLock {
    private final VdiLock lock;
    private final UUID token;

    MarkedLock(VdiLock lock, UUID token) {
      this.lock = lock;
      this.token = token;
    }

    @Override
    public VdiInfo vdi() {
      return lock.vdi();
    }

    @Override
    public boolean isHeld() {
      return lock.isHeld();
    }

    @Override
    public void close() throws SheepException {
      try {
        if (lock.isHeld()) {
          closeMark();
        }
      } finally {
        lock.close();
      }
    }

    private void closeMark() {
      VdiName name = lock.vdi().name();
      try {
        // it is gone if the VDI was deleted under the lock; nobody else changes it meanwhile
        WriterMark own = read(name);
        if (own != null && own.token().equals(token)) {
          leave(name, new WriterMark(token, false));
        }
      } catch (SheepException e) {
        log.info("VDI {} stays marked as being written: {}", name, e.getMessage());
      }
    }
  }

  /** Where the mark is, or can be put. */
  private record Slot(ObjectId oid, @Nullable WriterMark mark) {}

  private Slot find(VdiName name) throws SheepException {
    VdiAttribute wanted = attribute(name, new byte[WriterMark.SIZE_BYTES]);
    ByteBuffer identity = wanted.encode();
    ObjectId first = wanted.objectId();
    ObjectId free = null;
    for (int i = 0; i < MAX_SLOTS; i++) {
      ObjectId oid = ObjectId.of(first.kind(), first.vid(), first.index() + i);
      ByteBuffer found = ByteBuffer.allocate(VALUE + WriterMark.SIZE_BYTES);
      try {
        objects.read(oid, 0, found);
      } catch (SheepException e) {
        if (e.result() == ResultCode.NO_OBJ) {
          return new Slot(free == null ? oid : free, null);
        }
        throw e;
      }
      found.order(ByteOrder.LITTLE_ENDIAN);
      if (isSame(found, identity)) {
        return new Slot(oid, mark(found));
      }
      if (found.get(0) == 0 && free == null) {
        free = oid;
      }
    }
    throw new SheepException(ResultCode.SYSTEM_ERROR, "no room for the mark of a writer: " + name);
  }

  private static @Nullable WriterMark mark(ByteBuffer found) {
    if (found.getInt(VALUE_LENGTH) != WriterMark.SIZE_BYTES) {
      return null;
    }
    byte[] value = new byte[WriterMark.SIZE_BYTES];
    found.get(VALUE, value);
    return WriterMark.parse(value);
  }

  private static boolean isSame(ByteBuffer one, ByteBuffer other) {
    return equal(one, other, 0, CREATE_TIME)
        && equal(one, other, SNAPSHOT_ID, VALUE_LENGTH)
        && equal(one, other, FIELDS, VALUE);
  }

  private static boolean equal(ByteBuffer one, ByteBuffer other, int from, int to) {
    return one.slice(from, to - from).equals(other.slice(from, to - from));
  }

  private static VdiAttribute attribute(VdiName name, byte[] value) {
    return new VdiAttribute(name.value(), "", 0, 0, KEY, value);
  }
}
