package io.sheepfs.cache.coherence;

import com.google.errorprone.annotations.CanIgnoreReturnValue;
import io.sheepfs.cache.CacheCommands;
import io.sheepfs.cache.CacheMode;
import io.sheepfs.cache.CacheOptions;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.cache.Warming;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cluster with a cache in front, which stays right while others use the cluster, too; {@link
 * Coherence} says how. Safe for any number of threads.
 *
 * <pre>
 *   DIRECTORY/objects/    the cache
 *   DIRECTORY/writers/    a record for each VDI in it: whose writes it knows
 *   DIRECTORY/spare       what is given up to open and close the cache on a disk that is full
 * </pre>
 */
public final class CachedCluster implements Cluster {

  static final Logger log = LoggerFactory.getLogger(CachedCluster.class);

  private static final int MAINTENANCE_MILLIS = 1000;
  private static final int PUSH_LEFTOVERS_EACH = 15;
  private static final int FORGET_DELETED_EACH = 30;
  private static final int END_SECONDS = 10;
  private static final FileAttribute<?> DIRECTORY_MODE =
      PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

  private final Cluster backing;
  private final ObjectCache cache;
  private final WriterRecords records;
  private final SpareSpace spare;
  private final CachedVdis vdis;
  private final CachedObjects objects;
  private final CacheCommands commands;
  private final ExecutorService threads;
  private final ScheduledExecutorService timer;
  private volatile List<VdiName> waiting = List.of();
  private int ticks;
  private Future<?> forgetting = CompletableFuture.completedFuture(null);

  /** Removed at the end; null for a cache that stays. */
  private volatile @Nullable Path temporary;

  private CachedCluster(
      Cluster backing,
      ObjectCache cache,
      WriterRecords records,
      SpareSpace spare,
      VdiStates states,
      ExecutorService threads,
      LongSupplier nanoClock) {
    this.backing = backing;
    this.cache = cache;
    this.records = records;
    this.spare = spare;
    this.threads = threads;
    Coherence coherence = new Coherence(backing, cache, records, states, threads, nanoClock);
    this.vdis = new CachedVdis(backing, cache, records, states, coherence);
    this.objects = new CachedObjects(backing.objects(), cache, coherence, vdis);
    this.commands = new CacheCommands(cache, coherence::mayRead, threads);
    this.timer = Executors.newSingleThreadScheduledExecutor(daemons("cache-maintenance"));
    removeOldRecords();
  }

  /**
   * Opens the cache in a directory, and makes it if need be. It does not touch the cluster; what an
   * earlier process left there waits for {@link #pushLeftovers}.
   *
   * @param backing closed with the result, but not if this fails
   * @param clusterId identifies the cluster: one line
   * @throws IOException with a message for the user if the directory is in use, belongs to another
   *     cluster, or cannot be used
   */
  public static CachedCluster open(
      Cluster backing, Path directory, String clusterId, CacheOptions options) throws IOException {
    CachedCluster cluster = open(backing, directory, clusterId, options, System::nanoTime);
    cluster.startMaintenance();
    return cluster;
  }

  /**
   * As the other, for a cache that nobody wants to find again: the directory is removed with the
   * end of this. Only for a cache that holds nothing dirty.
   */
  public static CachedCluster openTemporary(
      Cluster backing, Path directory, String clusterId, CacheOptions options) throws IOException {
    if (options.mode() == CacheMode.WRITEBACK) {
      throw new IllegalArgumentException("dirty data in a directory that is removed");
    }
    CachedCluster cluster = open(backing, directory, clusterId, options);
    cluster.temporary = directory;
    return cluster;
  }

  /** As the other, without maintenance, and with another clock for what readers believe. */
  static CachedCluster open(
      Cluster backing,
      Path directory,
      String clusterId,
      CacheOptions options,
      LongSupplier nanoClock)
      throws IOException {
    if (!Files.isDirectory(directory, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectories(directory.toAbsolutePath().getParent());
      Files.createDirectory(directory, DIRECTORY_MODE);
    }
    VdiStates states = new VdiStates();
    GuardedObjects guarded = new GuardedObjects(backing.objects(), states::isHeld);
    ExecutorService threads = Executors.newCachedThreadPool(daemons("cache-push"));
    ObjectCache cache = null;
    boolean done = false;
    SpareSpace spare = new SpareSpace(directory.resolve("spare"));
    try {
      spare.give();
      cache = ObjectCache.open(guarded, directory.resolve("objects"), clusterId, options, threads);
      spare.take();
      WriterRecords records = WriterRecords.open(directory.resolve("writers"));
      CachedCluster cluster =
          new CachedCluster(backing, cache, records, spare, states, threads, nanoClock);
      done = true;
      return cluster;
    } finally {
      if (!done) {
        threads.shutdownNow();
        if (cache != null) {
          cache.close();
        }
      }
    }
  }

  private static ThreadFactory daemons(String name) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }

  private void removeOldRecords() {
    Set<VdiId> cached = new HashSet<>();
    cache.vdis().forEach(vdi -> cached.add(vdi.vid()));
    for (VdiId vid : records.all().keySet()) {
      if (!cached.contains(vid)) {
        records.remove(vid);
      }
    }
  }

  private void startMaintenance() {
    ScheduledFuture<?> unused =
        timer.scheduleWithFixedDelay(
            this::maintain, MAINTENANCE_MILLIS, MAINTENANCE_MILLIS, TimeUnit.MILLISECONDS);
  }

  private void maintain() {
    try {
      cache.maintain();
      ticks++;
      if (!waiting.isEmpty() && ticks % PUSH_LEFTOVERS_EACH == 0) {
        pushLeftovers();
      }
      if (ticks % FORGET_DELETED_EACH == 0 && forgetting.isDone()) {
        forgetting = threads.submit(this::forgetDeleted); // it waits for the cluster
      }
    } catch (IOException | RuntimeException e) {
      log.error("the maintenance of the cache failed; it is tried again", e);
    }
  }

  /**
   * Pushes what an earlier process wrote and did not push, as the writer of each VDI; what must
   * wait, since somebody else is writing, is tried again by and by.
   *
   * @return the VDIs that must wait
   */
  public List<VdiName> pushLeftovers() throws SheepException {
    List<VdiName> left = vdis.pushLeftovers();
    waiting = left;
    return left;
  }

  /** Forgets what is cached of VDIs that others have deleted, as far as the cluster answers. */
  void forgetDeleted() {
    try {
      vdis.forgetDeleted();
    } catch (SheepException e) {
      log.debug("what was deleted elsewhere stays in the cache until the cluster answers", e);
    }
  }

  /** The cache, to look at and to purge. */
  public ObjectCache cache() {
    return cache;
  }

  /**
   * Has people's commands carried out.
   *
   * @param command as {@link CacheCommands} says
   * @return the answer, a line
   * @throws IllegalArgumentException with a message for the user if there is no such command
   */
  public String command(VdiName name, String command) throws IOException {
    return commands.run(name, backing.vdis().lookup(name).vid(), command);
  }

  /** The last answers to commands, a line each with the name of the VDI behind. */
  public List<String> answers() {
    return commands.answers();
  }

  /** Begins to fetch a VDI into the cache, in the background. */
  @CanIgnoreReturnValue
  public Warming warm(VdiName name) throws SheepException {
    return commands.start(name, backing.vdis().lookup(name).vid());
  }

  /** The cluster behind the cache. */
  public Cluster backing() {
    return backing;
  }

  @Override
  public ObjectStore objects() {
    return objects;
  }

  @Override
  public VdiDirectory vdis() {
    return vdis;
  }

  @Override
  public List<NodeInfo> nodes() throws SheepException {
    return backing.nodes();
  }

  @Override
  public Space space() throws SheepException {
    return backing.space();
  }

  @Override
  public ClusterInfo info() throws SheepException {
    return backing.info();
  }

  /**
   * Closes the cache and the cluster. It does not flush: what is dirty stays in the directory for
   * the next time.
   */
  @Override
  public void close() throws IOException {
    commands.stopAll();
    timer.shutdown();
    threads.shutdown();
    spare.give();
    try (cache) {
      // first of all: a push that waits for a cluster that is away ends with its connection
      backing.close();
      awaitEnd();
      records.force();
    }
    Path directory = temporary;
    if (directory == null) {
      spare.take();
    } else {
      ObjectCache.erase(directory);
    }
  }

  private void awaitEnd() {
    try {
      if (!timer.awaitTermination(END_SECONDS, TimeUnit.SECONDS)
          || !threads.awaitTermination(END_SECONDS, TimeUnit.SECONDS)) {
        log.warn("the cache is closed while something still uses it");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
