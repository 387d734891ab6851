package io.sheepfs.store.vdi;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Who may write which VDI. Held in memory: a lock ends with the store at the latest.
 *
 * <p>An owner is any object with an identity: a session, a connection, the node itself. Safe for
 * any number of threads.
 */
public final class VdiLocks {

  private final Map<VdiId, Lock> held = new HashMap<>();

  /** A lock that somebody holds or held. */
  public static final class Lock {
    private final Object owner;
    private final boolean leased;
    private VdiId vid;

    private Lock(VdiId vid, Object owner, boolean leased) {
      this.vid = vid;
      this.owner = owner;
      this.leased = leased;
    }

    /** Who took it. */
    public Object owner() {
      return owner;
    }

    /** Whether it lives only as long as its owner, and nobody else can release it. */
    public boolean isLeased() {
      return leased;
    }
  }

  VdiLocks() {}

  /**
   * Takes the lock of a VDI.
   *
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if anybody has it, even {@code owner}
   */
  public synchronized Lock acquire(VdiId vid, Object owner, boolean leased) throws SheepException {
    if (held.containsKey(vid)) {
      throw new SheepException(ResultCode.VDI_LOCKED, "VDI " + vid);
    }
    Lock lock = new Lock(vid, owner, leased);
    held.put(vid, lock);
    return lock;
  }

  /** The lock of a VDI, or null. */
  public synchronized @Nullable Lock holder(VdiId vid) {
    return held.get(vid);
  }

  /**
   * Refuses what only the holder of a lock may do.
   *
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if somebody else than {@code owner} holds
   *     a lease on the VDI
   */
  public synchronized void checkNotLeasedElsewhere(VdiId vid, Object owner) throws SheepException {
    Lock lock = held.get(vid);
    if (lock != null && lock.leased && lock.owner != owner) {
      throw new SheepException(ResultCode.VDI_LOCKED, "VDI " + vid);
    }
  }

  /** Whether a lock is still held. */
  public synchronized boolean isHeld(Lock lock) {
    return held.get(lock.vid) == lock;
  }

  /** Ends a lock; one that ended already is left alone. */
  public synchronized void release(Lock lock) {
    held.remove(lock.vid, lock);
  }

  /** Ends whatever lock a VDI has, unless it is a lease of somebody else. */
  public synchronized void release(VdiId vid, Object owner) {
    Lock lock = held.get(vid);
    if (lock != null && (!lock.leased || lock.owner == owner)) {
      held.remove(vid);
    }
  }

  /** Ends all leases of an owner. */
  public synchronized void releaseAll(Object owner) {
    held.values().removeIf(lock -> lock.leased && lock.owner == owner);
  }

  /** The working VDI has another id now. */
  synchronized void moved(VdiId from, VdiId to) {
    Lock lock = held.remove(from);
    if (lock != null) {
      lock.vid = to;
      held.put(to, lock);
    }
  }

  synchronized void clear() {
    held.clear();
  }
}
