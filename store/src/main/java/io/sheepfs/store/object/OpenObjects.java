package io.sheepfs.store.object;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import io.sheepfs.protocol.ObjectId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The files that are kept open, so that a request costs one system call. Bounded; the least useful
 * ones are closed when no request uses them any more.
 *
 * <p>Opening happens inside the cache's own exclusion for the key, and whoever replaces or removes
 * an object's file drops the entry after that. So the cache never holds a file that lost its name.
 *
 * <p>A file may be closed while it has writes that were not forced; it is opened again for that. An
 * error of writing back in between is not lost by it: Linux, from 4.16 on, reports one that nobody
 * has seen yet to whoever opens the file next.
 */
final class OpenObjects {

  private final Path directory;
  private final Disk disk;
  private final Cache<ObjectId, OpenObject> cache;

  OpenObjects(Path directory, Disk disk, int maxOpenFiles) {
    this.directory = directory;
    this.disk = disk;
    this.cache =
        Caffeine.newBuilder()
            .maximumSize(maxOpenFiles)
            .executor(Runnable::run)
            .removalListener(OpenObjects::removed)
            .build();
  }

  private static void removed(
      @Nullable ObjectId oid, @Nullable OpenObject object, RemovalCause cause) {
    if (object != null) {
      object.release();
    }
  }

  /**
   * The open file of an object; the caller releases it.
   *
   * @throws java.nio.file.NoSuchFileException if there is no such object
   */
  OpenObject acquire(ObjectId oid) throws IOException {
    OpenObject object = cache.getIfPresent(oid);
    while (object == null || !object.retain()) {
      if (object != null) {
        forget(oid, object);
      }
      try {
        object = cache.asMap().computeIfAbsent(oid, this::open);
      } catch (UncheckedIOException e) {
        throw e.getCause();
      }
    }
    return object;
  }

  private OpenObject open(ObjectId oid) {
    Path file = directory.resolve(oid.toString());
    try {
      return new OpenObject(file, disk.open(file), disk, 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Takes a file in that was opened under its present name. */
  void put(ObjectId oid, OpenObject object) {
    cache.put(oid, object);
  }

  /** Drops a file that turned out to be closed. */
  void forget(ObjectId oid, OpenObject object) {
    cache.asMap().remove(oid, object);
  }

  /** Drops what is open of an object, because its file was removed or replaced. */
  void forget(ObjectId oid) {
    cache.invalidate(oid);
  }

  /** Drops everything. */
  void clear() {
    cache.invalidateAll();
    cache.cleanUp();
  }
}
