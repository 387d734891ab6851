package io.sheepfs.fuse;

import io.sheepfs.cache.CacheOptions;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.cache.coherence.CachedCluster;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder with the caches of one cluster: one for each mount that uses it at the same time.
 *
 * <pre>
 *   CACHE_DIR/CLUSTER/0        the cache of the first mount
 *   CACHE_DIR/CLUSTER/0.lock   locked by the mount
 *   CACHE_DIR/CLUSTER/1        of a second one at the same time, and so on
 * </pre>
 *
 * <p>A cache in memory is in the same way in {@code /dev/shm/sheepfs-UID}, and removed when its
 * mount ends, or by the next one if it was killed.
 */
final class MountCache {

  private static final Logger log = LoggerFactory.getLogger(MountCache.class);
  private static final int MAX_CACHES = 64;
  private static final Path MEMORY = Path.of("/dev/shm");
  private static final FileAttribute<?> DIRECTORY_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));
  private static final FileAttribute<?> FILE_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));
  private static final Set<OpenOption> LOCKABLE =
      Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS);

  private final CacheConfig config;
  private final boolean embedded;
  private final Console console;
  private int own = -1;

  MountCache(CacheConfig config, boolean embedded, Console console) {
    this.config = config;
    this.embedded = embedded;
    this.console = console;
  }

  /**
   * Puts a cache in front of a cluster, if one is wanted, and writes out what earlier mounts left
   * in theirs.
   *
   * @return {@code cluster} itself if there is no cache
   * @throws MountFailure if the directory that was asked for cannot be used
   */
  Cluster open(Cluster cluster) throws IOException {
    Path parent = config.directory() == null ? usualDirectory() : config.directory();
    ClusterInfo info = cluster.info();
    Instant created = info.created();
    if (created == null) {
      return cluster; // a cluster without a birthday cannot be told from another
    }
    String id = String.format("%016x", InodeHeader.wireTime(created));
    Path folder = parent.resolve(id);
    CachedCluster cached =
        switch (config.mode(embedded)) {
          case OFF -> null;
          case MEMORY -> openInMemory(cluster, id);
          case WRITEBACK, WRITETHROUGH -> openOwn(cluster, folder, id);
        };
    boolean onDisk = config.mode(embedded) != CacheConfig.Mode.MEMORY;
    for (int i = 0; i < MAX_CACHES; i++) {
      // not our own: to close its lock file again would end our lock, too
      if ((i != own || !onDisk) && Files.isDirectory(folder.resolve(Integer.toString(i)))) {
        pushOthers(cluster, folder, i, id);
      }
    }
    return cached == null ? cluster : cached;
  }

  /** A cache on a file system in memory, which goes with the mount. */
  private CachedCluster openInMemory(Cluster cluster, String id) throws IOException {
    Path ours = MEMORY.resolve("sheepfs-" + uid());
    Path folder = ours.resolve(id);
    try {
      checkOwn(ours);
      Slot slot = take(folder);
      for (int i = 0; i < MAX_CACHES; i++) {
        eraseLeft(folder, i);
      }
      ObjectCache.erase(slot.path);
      CacheOptions options = config.options();
      long room = Files.getFileStore(folder).getTotalSpace() / 4;
      return CachedCluster.openTemporary(
          cluster,
          slot.path,
          id,
          options.withLimits(
              options.sizeBytes(),
              Math.min(options.freeSpaceBytes(), room),
              options.maxDirtyBytes()));
    } catch (IOException e) {
      throw new MountFailure(
          Sheepfs.EXIT_MOUNT_FAILED, "cannot use the cache " + folder + ": " + e, e);
    }
  }

  /** Makes a directory in a place that all users share, or sees that it is ours alone. */
  private static void checkOwn(Path directory) throws IOException {
    try {
      Files.createDirectory(directory, DIRECTORY_MODE);
    } catch (FileAlreadyExistsException e) {
      int user = (Integer) Files.getAttribute(directory, "unix:uid", LinkOption.NOFOLLOW_LINKS);
      int mode = (Integer) Files.getAttribute(directory, "unix:mode", LinkOption.NOFOLLOW_LINKS);
      if (user != uid()
          || (mode & 077) != 0
          || !Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
        throw new IOException(directory + " belongs to somebody else", e);
      }
    }
  }

  private static int uid() throws IOException {
    return (Integer) Files.getAttribute(Path.of("/proc/self"), "unix:uid");
  }

  /** Gives the memory back of a mount that was killed. */
  private void eraseLeft(Path folder, int number) throws IOException {
    if (number == own || !Files.isDirectory(folder.resolve(Integer.toString(number)))) {
      return;
    }
    Slot slot = tryTake(folder, number);
    if (slot != null) {
      try (FileChannel lock = slot.lock) {
        ObjectCache.erase(slot.path);
        log.debug("Erased {}, under lock {}", slot.path, lock);
      }
    }
  }

  /** The cache of this mount; null if the usual directory cannot be used. */
  private @Nullable CachedCluster openOwn(Cluster cluster, Path folder, String id)
      throws IOException {
    CachedCluster cached;
    try {
      cached = open(cluster, take(folder), id);
    } catch (IOException e) {
      if (config.directory() != null || config.mode() != null) {
        throw new MountFailure(
            Sheepfs.EXIT_MOUNT_FAILED, "cannot use the cache " + folder + ": " + e, e);
      }
      console.info("warning: no cache, since " + folder + " cannot be used: " + e);
      log.warn("Mounting without a cache", e);
      return null;
    }
    pushLeftovers(cached, folder);
    return cached;
  }

  private CachedCluster open(Cluster cluster, Slot slot, String id) throws IOException {
    boolean done = false;
    try {
      CachedCluster cached = CachedCluster.open(cluster, slot.path, id, config.options());
      done = true;
      return cached;
    } finally {
      if (!done) {
        slot.lock.close();
      }
    }
  }

  private static Path usualDirectory() throws IOException {
    if (uid() == 0) {
      return Path.of("/var/cache/sheepfs");
    }
    String cache = System.getenv("XDG_CACHE_HOME");
    return cache != null && !cache.isEmpty()
        ? Path.of(cache, "sheepfs")
        : Path.of(System.getProperty("user.home", "/"), ".cache", "sheepfs");
  }

  /** A cache that is ours until its lock is closed, at the latest by the end of the process. */
  private record Slot(Path path, FileChannel lock) {}

  private Slot take(Path folder) throws IOException {
    Files.createDirectories(folder.getParent());
    if (!Files.isDirectory(folder)) {
      Files.createDirectory(folder, DIRECTORY_MODE);
    }
    for (int i = 0; i < MAX_CACHES; i++) {
      Slot slot = tryTake(folder, i);
      if (slot != null) {
        own = i;
        return slot;
      }
    }
    throw new IOException("all its " + MAX_CACHES + " caches are in use");
  }

  private static @Nullable Slot tryTake(Path folder, int number) throws IOException {
    FileChannel lock = FileChannel.open(folder.resolve(number + ".lock"), LOCKABLE, FILE_MODE);
    boolean taken = false;
    try {
      taken = lock.tryLock() != null;
    } finally {
      if (!taken) {
        lock.close();
      }
    }
    return taken ? new Slot(folder.resolve(Integer.toString(number)), lock) : null;
  }

  /** What a mount left that was killed, and has no successor of its own. */
  private void pushOthers(Cluster cluster, Path folder, int number, String id) {
    try {
      Slot slot = tryTake(folder, number);
      if (slot == null) {
        return;
      }
      try (CachedCluster left = open(new Borrowed(cluster), slot, id)) {
        pushLeftovers(left, folder);
      } finally {
        slot.lock.close();
      }
    } catch (IOException e) {
      console.info("warning: cannot write out what is left in " + folder + ": " + e);
      log.warn("Cannot write out what is left in cache {} of {}", number, folder, e);
    }
  }

  private void pushLeftovers(CachedCluster cluster, Path folder) throws SheepException {
    long bytes = cluster.cache().status().dirtyBytes();
    if (bytes == 0) {
      return;
    }
    console.info("writing out " + FlushProgress.text(bytes) + " that an earlier mount left");
    FlushProgress progress = FlushProgress.start(cluster.cache(), console);
    List<VdiName> waiting;
    try {
      waiting = cluster.pushLeftovers();
    } finally {
      progress.stop();
    }
    if (!waiting.isEmpty()) {
      console.info("warning: what was written to " + waiting + " stays in " + folder + " for now");
    }
  }

  /** A cluster that somebody else closes. */
  private record Borrowed(Cluster cluster) implements Cluster {
    @Override
    public ObjectStore objects() {
      return cluster.objects();
    }

    @Override
    public VdiDirectory vdis() {
      return cluster.vdis();
    }

    @Override
    public List<NodeInfo> nodes() throws SheepException {
      return cluster.nodes();
    }

    @Override
    public Space space() throws SheepException {
      return cluster.space();
    }

    @Override
    public ClusterInfo info() throws SheepException {
      return cluster.info();
    }

    @Override
    public void close() {}
  }
}
