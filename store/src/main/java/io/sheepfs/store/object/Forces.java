package io.sheepfs.store.object;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.object.Unsynced.FlushFailure;
import java.io.IOException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Forces the files of objects: those of one flush several at a time, so that the disk can put them
 * together; and those that were written a lot before anybody asks, so that a flush after a long
 * write finds little to do.
 *
 * <p><b>Early forces</b> change nothing of what a flush does: the object stays marked and is forced
 * again. Only a failure needs care. The kernel tells it once for each open file; if an early force
 * is told, no flush may succeed before {@link Unsynced#failed} has it. So an early force excludes
 * all others of its object until it has written that down, and who forces looks there afterwards.
 *
 * <p>Safe for any number of threads.
 */
final class Forces {

  private static final Logger log = LoggerFactory.getLogger(Forces.class);

  /** An object is forced early when so much was written to it. */
  static final long EARLY_BYTES = 4 << 20;

  /** Besides the caller of a flush. */
  private static final int HELPERS = 3;

  /** A disk that is slower than who writes to it gets no more to do before a flush asks for it. */
  private static final int MOST_WAITING = 32;

  private static final int STRIPES = 64;
  private static final long IDLE_SECONDS = 10;
  private static final long CLOSE_SECONDS = 60;

  /** Forces the file of an object. */
  interface Force {
    void run(ObjectId oid) throws SheepException;
  }

  private final Force force;

  /** Held shared by who forces, exclusively by who forces early. */
  private final StampedLock[] stripes = new StampedLock[STRIPES];

  private final ThreadPoolExecutor helpers;

  Forces(Force force) {
    this.force = force;
    for (int i = 0; i < STRIPES; i++) {
      stripes[i] = new StampedLock();
    }
    AtomicInteger started = new AtomicInteger();
    helpers =
        new ThreadPoolExecutor(
            HELPERS,
            HELPERS,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            work -> {
              Thread thread = new Thread(work, "force-" + started.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy());
    helpers.allowCoreThreadTimeOut(true);
  }

  private StampedLock stripe(ObjectId oid) {
    return stripes[Math.floorMod(oid.hashCode(), STRIPES)];
  }

  /**
   * Forces one object.
   *
   * @throws SheepException {@link ResultCode#NO_OBJ}; {@link ResultCode#EIO} also if a force failed
   *     before
   */
  void one(ObjectId oid, Unsynced state) throws SheepException {
    StampedLock lock = stripe(oid);
    long stamp = lock.readLock();
    try {
      forceLocked(oid, state);
    } finally {
      lock.unlockRead(stamp);
    }
    if (state.failed.contains(oid)) {
      throw new SheepException(ResultCode.EIO, "flush of object " + oid + ", lost before");
    }
  }

  private void forceLocked(ObjectId oid, Unsynced state) throws SheepException {
    try {
      force.run(oid);
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        state.failed.add(oid);
      }
      throw e;
    }
  }

  /**
   * Takes the marks of some objects of a VDI away and forces them.
   *
   * @return the failure of one of them, if there was any
   */
  @Nullable FlushFailure marked(List<ObjectId> oids, Unsynced state) {
    Queue<ObjectId> left = new ConcurrentLinkedQueue<>(oids);
    CountDownLatch done = new CountDownLatch(oids.size());
    AtomicReference<@Nullable FlushFailure> failure = new AtomicReference<>();
    Runnable work =
        () -> {
          for (ObjectId oid = left.poll(); oid != null; oid = left.poll()) {
            try {
              FlushFailure failed = marked(oid, state);
              if (failed != null) {
                failure.compareAndSet(null, failed);
              }
            } finally {
              done.countDown();
            }
          }
        };
    for (int i = Math.min(HELPERS, oids.size() - 1); i > 0; i--) {
      helpers.execute(work);
    }
    work.run();
    awaitUninterruptibly(done);
    return failure.get();
  }

  @Nullable FlushFailure marked(ObjectId oid, Unsynced state) {
    state.marked.remove(oid);
    try {
      one(oid, state);
      return null;
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_OBJ) {
        return null; // removed since
      }
      return new FlushFailure("object " + oid, e);
    } catch (RuntimeException e) {
      state.failed.add(oid); // nobody knows whether it is durable, and its mark is gone
      return new FlushFailure("object " + oid, new IOException(e));
    }
  }

  private static void awaitUninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          latch.await();
          return;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Has a marked object forced by and by, and returns at once. */
  void early(ObjectId oid, Unsynced state) {
    if (helpers.getQueue().size() < MOST_WAITING) {
      helpers.execute(() -> forceEarly(oid, state));
    }
  }

  private void forceEarly(ObjectId oid, Unsynced state) {
    StampedLock lock = stripe(oid);
    long stamp = lock.tryWriteLock();
    if (stamp == 0) {
      return; // somebody forces it, or one that has the same lock: this one can wait for its flush
    }
    try {
      if (state.marked.contains(oid)) {
        forceLocked(oid, state);
      }
    } catch (SheepException e) {
      if (e.result() != ResultCode.NO_OBJ) {
        log.warn("object {} cannot be flushed; whoever asks for that will be told", oid, e);
      }
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** Ends the early forces. Who flushes after that does it alone. */
  void close() {
    helpers.getQueue().clear();
    helpers.shutdown();
    try {
      helpers.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
