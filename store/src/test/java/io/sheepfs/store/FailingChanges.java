package io.sheepfs.store;

import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Counts the changes of a disk, lets some of them fail, once each, and passes on the others. */
final class FailingChanges implements Disk.ChangeListener {

  /** How they fail. */
  enum Errno {
    EIO,
    ENOSPC
  }

  /** One that failed. */
  record Failed(Disk.Change change, Path path) {}

  private final Disk.ChangeListener next;
  private final Set<Integer> sites;
  private final Errno error;
  private final Map<Disk.Change, Integer> counts = new EnumMap<>(Disk.Change.class);
  private final List<Failed> fresh = new ArrayList<>();
  private int count;
  private int failures;

  /**
   * A disk with errors.
   *
   * @param sites which changes fail; the first is 0
   */
  FailingChanges(Disk.ChangeListener next, Set<Integer> sites, Errno error) {
    this.next = next;
    this.sites = sites;
    this.error = error;
  }

  @Override
  public synchronized void beforeChange(Disk.Change change, Path path) throws IOException {
    counts.merge(change, 1, Integer::sum);
    if (sites.contains(count++)) {
      failures++;
      fresh.add(new Failed(change, path));
      throw error == Errno.EIO
          ? new IOException("injected: input/output error")
          : new FileSystemException(path.toString(), null, "No space left on device");
    }
    next.beforeChange(change, path);
  }

  /** How many changes there were. */
  synchronized int count() {
    return count;
  }

  synchronized Map<Disk.Change, Integer> counts() {
    return new EnumMap<>(counts);
  }

  synchronized int failures() {
    return failures;
  }

  /** What has failed since this was called last. */
  synchronized List<Failed> takeFresh() {
    List<Failed> taken = List.copyOf(fresh);
    fresh.clear();
    return taken;
  }
}
