package io.sheepfs.store.object;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Keeps the names in one directory durable: counts the renames and removals, and forces the
 * directory when there were any. Callers that overlap share one force.
 *
 * <p>A force that failed has perhaps lost names for good, so each later one fails too.
 */
final class NameSync {

  private final Path directory;
  private final Disk disk;
  private final AtomicLong changes = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();

  private volatile long durableChanges;

  @GuardedBy("lock")
  private boolean broken;

  NameSync(Path directory, Disk disk) {
    this.directory = directory;
    this.disk = disk;
  }

  /** A name was added, replaced or removed. */
  void changed() {
    changes.incrementAndGet();
  }

  /** Whether there are changes that a power cut could undo. */
  boolean isPending() {
    return durableChanges < changes.get();
  }

  /** Makes all changes before the call durable. */
  void force() throws IOException {
    long wanted = changes.get();
    if (durableChanges >= wanted) {
      return;
    }
    lock.lock();
    try {
      if (durableChanges >= wanted) {
        return;
      }
      if (broken) {
        throw new IOException("an earlier force of " + directory + " failed");
      }
      long covered = changes.get();
      try {
        disk.forceDirectory(directory);
      } catch (ClosedChannelException e) {
        throw e; // an interrupt, which says nothing of the disk
      } catch (IOException e) {
        broken = true;
        throw e;
      }
      durableChanges = covered;
    } finally {
      lock.unlock();
    }
  }
}
