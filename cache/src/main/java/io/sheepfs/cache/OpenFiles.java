package io.sheepfs.cache;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the number of open files of a cache in bounds: when there are more, one is closed that was
 * not used since it was looked at last. Whoever needs it opens it again. Safe for any number of
 * threads.
 */
final class OpenFiles {

  /** Enough for 2 GiB of objects of the usual size to need no open(2) at all. */
  static final int USUAL_MAX = 512;

  private static final Logger log = LoggerFactory.getLogger(OpenFiles.class);

  private final int max;

  @GuardedBy("this")
  private final Queue<CachedObject> open = new ArrayDeque<>();

  OpenFiles(int max) {
    this.max = max;
  }

  /**
   * Notes that the file of an object was opened, and closes others. The caller holds the lock of
   * the object; the files of objects that others use just now stay open, so there can be a few more
   * than the bound for a while.
   */
  synchronized void opened(CachedObject object) {
    open.add(object);
    for (int tries = 2 * open.size(); tries > 0 && open.size() > max; tries--) {
      CachedObject oldest = open.remove();
      if (oldest.equals(object) || oldest.takeUsed() || !tryClose(oldest)) {
        open.add(oldest);
      }
    }
  }

  private static boolean tryClose(CachedObject object) {
    long stamp = object.lock.tryWriteLock();
    if (stamp == 0) {
      return false;
    }
    try {
      ObjectFile file = object.file;
      object.file = null;
      if (file != null) {
        file.close();
      }
    } catch (IOException e) {
      log.warn("a file of the cache could not be closed: {}", e.toString());
    } finally {
      object.lock.unlockWrite(stamp);
    }
    return true;
  }
}
