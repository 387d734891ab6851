package io.sheepfs.store.vdi;

import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import java.security.SecureRandom;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Who may write which VDI. Held in memory: a lock ends with the store at the latest.
 *
 * <p>An owner is any object with an identity: a session, a connection, the node itself. Safe for
 * any number of threads.
 */
public final class VdiLocks {

  /** How long a lock waits for the requests of one that has ended. */
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** Changed under the monitor. */
  private final Map<VdiId, Lock> held = new ConcurrentHashMap<>();

  /** Leases that ended while requests of their holders were under way. */
  private final Set<Lock> ending = new HashSet<>();

  private final Random random = new SecureRandom();

  /** A lock that somebody holds or held. */
  public static final class Lock {
    private final Object owner;
    private final boolean leased;
    private final int holder;
    private final int generation;
    private final AtomicInteger underWay = new AtomicInteger();
    private volatile boolean ended;
    private VdiId vid;

    private Lock(VdiId vid, Object owner, boolean leased, int holder, int generation) {
      this.vid = vid;
      this.owner = owner;
      this.leased = leased;
      this.holder = holder;
      this.generation = generation;
    }

    /** A number, not 0, that the holder puts into its writes; another lease has another one. */
    public int generation() {
      return generation;
    }

    /** Who took it. */
    public Object owner() {
      return owner;
    }

    /** Whether it lives only as long as its owner, and nobody else can release it. */
    public boolean isLeased() {
      return leased;
    }

    private boolean isOf(int who) {
      return leased && who != 0 && holder == who;
    }
  }

  VdiLocks() {}

  /**
   * Takes the lock of a VDI.
   *
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if anybody has it, even {@code owner}
   */
  public Lock acquire(VdiId vid, Object owner, boolean leased) throws SheepException {
    return acquire(vid, owner, leased, 0);
  }

  /**
   * The same; but whoever has a lease already gets another in its place. Requests under the earlier
   * one may still be under way: {@link #awaitEnd}.
   *
   * @param holder a number that the holder of a lease alone knows; 0 for none
   */
  public synchronized Lock acquire(VdiId vid, Object owner, boolean leased, int holder)
      throws SheepException {
    Lock earlier = held.get(vid);
    if ((earlier != null && !earlier.isOf(holder))
        || ending.stream().anyMatch(lock -> lock.vid.equals(vid) && !lock.isOf(holder))) {
      throw new SheepException(ResultCode.VDI_LOCKED, "VDI " + vid);
    }
    Lock lock = new Lock(vid, owner, leased, holder, 1 + random.nextInt(Integer.MAX_VALUE));
    held.put(vid, lock);
    if (earlier != null) {
      end(earlier);
    }
    return lock;
  }

  private boolean isEnding(VdiId vid) {
    return ending.stream().anyMatch(lock -> lock.vid.equals(vid));
  }

  /**
   * Returns when no request of a lease of a VDI that has ended is under way any more, or after some
   * seconds. To be called by somebody who keeps nobody else waiting.
   *
   * @return whether none is
   */
  public synchronized boolean awaitEnd(VdiId vid) {
    long deadline = System.nanoTime() + PATIENCE_NANOS;
    boolean interrupted = false;
    while (isEnding(vid)) {
      long left = deadline - System.nanoTime();
      if (left <= 0) {
        break;
      }
      try {
        TimeUnit.NANOSECONDS.timedWait(this, left);
      } catch (InterruptedException e) {
        interrupted = true;
        break;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return !isEnding(vid);
  }

  /**
   * A change by the holder of a lease begins; until {@link #leave}, nobody else gets the lock.
   *
   * @return the lease; null if there is none with that generation
   */
  public @Nullable Lock enter(VdiId vid, int generation) {
    Lock lock = held.get(vid);
    if (lock == null || lock.generation != generation) {
      return null;
    }
    lock.underWay.incrementAndGet();
    if (lock.ended) {
      leave(lock);
      return null;
    }
    return lock;
  }

  /** The change is over. */
  public void leave(Lock lock) {
    if (lock.underWay.decrementAndGet() == 0 && lock.ended) {
      forgetEnded(lock);
    }
  }

  private synchronized void forgetEnded(Lock lock) {
    if (lock.underWay.get() == 0 && ending.remove(lock)) {
      notifyAll();
    }
  }

  private void end(Lock lock) {
    lock.ended = true;
    if (lock.underWay.get() > 0) {
      ending.add(lock);
      forgetEnded(lock); // if they all left just now
    }
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
    if (held.remove(lock.vid, lock)) {
      end(lock);
    }
  }

  /**
   * Ends whatever lock a VDI has, if it has one.
   *
   * @throws SheepException {@link ResultCode#VDI_LOCKED} if it is a lease of somebody else than
   *     {@code owner}, which stays
   */
  public synchronized void release(VdiId vid, Object owner) throws SheepException {
    checkNotLeasedElsewhere(vid, owner);
    Lock lock = held.get(vid);
    if (lock != null) {
      release(lock);
    }
  }

  /** Ends all leases of an owner. */
  public synchronized void releaseAll(Object owner) {
    for (Lock lock : List.copyOf(held.values())) {
      if (lock.leased && lock.owner == owner) {
        release(lock);
      }
    }
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
    List.copyOf(held.values()).forEach(this::release);
  }
}
