package io.sheepfs.store.object;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.ObjectId;
import java.io.IOException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Which objects of one VDI a power cut could damage.
 *
 * <p>A writer marks its object after it wrote and before it returns. A flush first takes a mark
 * away and then forces the file. So whoever finds the mark there need not set it: the force that
 * will take it comes later than his write. Nothing else takes a mark away, except that the object
 * is removed; so a flush that sees no mark knows that no force of another is still under way.
 *
 * <p><b>Failed forces.</b> After a force has failed, the kernel counts the pages as clean, may drop
 * them, and reports success the next time. What was lost cannot be written again from here, since
 * the page cache is the only copy we had. So the failure is kept: every flush of the VDI fails
 * until the object has been made anew or removed, or the store has been opened again and so shows
 * what the disk really holds.
 */
final class Unsynced {

  final Set<ObjectId> marked = ConcurrentHashMap.newKeySet();
  final Set<ObjectId> failed = ConcurrentHashMap.newKeySet();

  private final ReentrantLock lock = new ReentrantLock();
  private final AtomicLong begun = new AtomicLong();

  @GuardedBy("lock")
  private @Nullable FlushFailure lastFailure;

  /** The work of one flush. */
  interface Work {
    /** Does it; the failure is for all who share the flush. */
    @Nullable FlushFailure run();
  }

  /** Why a flush failed. */
  record FlushFailure(String what, IOException cause) {

    /** The first failure of two. */
    static @Nullable FlushFailure first(@Nullable FlushFailure one, @Nullable FlushFailure other) {
      return one != null ? one : other;
    }
  }

  void mark(ObjectId oid) {
    if (!marked.contains(oid)) {
      marked.add(oid);
    }
  }

  boolean isEmpty() {
    return marked.isEmpty() && failed.isEmpty();
  }

  /** Runs {@code work}, unless another caller's run that begins after this call can be shared. */
  @Nullable FlushFailure flush(Work work) {
    long begunBefore = begun.get();
    lock.lock();
    try {
      if (begun.get() > begunBefore) {
        return lastFailure;
      }
      begun.incrementAndGet();
      lastFailure = new FlushFailure("cut short", new IOException("flush did not end"));
      lastFailure = work.run();
      return lastFailure;
    } finally {
      lock.unlock();
    }
  }
}
