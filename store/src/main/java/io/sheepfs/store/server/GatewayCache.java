package io.sheepfs.store.server;

import io.sheepfs.cache.CacheCommands;
import io.sheepfs.cache.CacheOptions;
import io.sheepfs.cache.CacheStatus;
import io.sheepfs.cache.CachedVdi;
import io.sheepfs.cache.ObjectCache;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import io.sheepfs.store.object.DamagedFileException;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.SealedFile;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The object cache of {@code sheep -w}, in front of the node's own store, for all its clients.
 *
 * <p>It is right as long as every change of the store goes through it. So the store carries a mark
 * with the cache's name while one stands before it, and loses the mark when it is opened without; a
 * cache that is not the marked one is emptied.
 *
 * <p>Safe for any number of threads.
 */
public final class GatewayCache implements Closeable {

  private static final Logger log = LoggerFactory.getLogger(GatewayCache.class);
  private static final int MAINTENANCE_MILLIS = 1000;
  private static final int END_SECONDS = 10;

  /** Of a mark that was made before marks were sealed. */
  private static final int UNSEALED_MARK_BYTES = 37;

  private final ObjectCache cache;
  private final GatewayCacheOptions options;
  private final ExecutorService pushes;
  private final CacheCommands commands;
  private final ScheduledExecutorService timer;

  /** Held shared by whoever writes data, and exclusively while a VDI becomes a snapshot. */
  private final ReentrantReadWriteLock snapshots = new ReentrantReadWriteLock();

  private GatewayCache(ObjectCache cache, GatewayCacheOptions options, ExecutorService pushes) {
    this.cache = cache;
    this.options = options;
    this.pushes = pushes;
    this.commands = new CacheCommands(cache, oid -> true, pushes);
    this.timer = Executors.newSingleThreadScheduledExecutor(daemons("cache-maintenance"));
  }

  /**
   * Opens the cache of a store, and makes it if need be. What an earlier process left dirty in it
   * is pushed by and by.
   *
   * @param sheep opened with {@link LocalSheep#openBehindCache}
   */
  public static GatewayCache open(LocalSheep sheep, GatewayCacheOptions wanted) throws IOException {
    Path asked = wanted.directory();
    Path directory = asked == null ? sheep.root().resolve("cache") : asked;
    Path objects = directory.resolve("objects");
    String name = readMark(sheep.root());
    if (name == null) {
      name = UUID.randomUUID().toString();
    }
    CacheOptions options =
        CacheOptions.defaults()
            .withLimits(wanted.sizeBytes(), 0, Math.max(1 << 20, wanted.sizeBytes() / 2))
            .withAccess(wanted.access());
    ExecutorService pushes = Executors.newCachedThreadPool(daemons("cache-push"));
    Files.createDirectories(directory);
    if (!name.equals(readMark(directory))) {
      empty(objects);
      writeMark(directory, name);
    }
    writeMark(sheep.root(), name);
    ObjectCache cache = ObjectCache.open(sheep.objects(), objects, name, options, pushes);
    GatewayCache gateway = new GatewayCache(cache, wanted, pushes);
    ScheduledFuture<?> unused =
        gateway.timer.scheduleWithFixedDelay(
            gateway::maintain, MAINTENANCE_MILLIS, MAINTENANCE_MILLIS, TimeUnit.MILLISECONDS);
    return gateway;
  }

  /**
   * The name of the cache by the mark in a directory; null if there is none. One that cannot be
   * read is not taken for none: the cache would be emptied, with what it holds back.
   */
  private static @Nullable String readMark(Path directory) throws IOException {
    Path mark = directory.resolve(LocalSheep.CACHE_MARK);
    try {
      return SealedFile.readText(diskOf(directory), mark, UNSEALED_MARK_BYTES).strip();
    } catch (NoSuchFileException e) {
      return null;
    } catch (DamagedFileException e) {
      throw new IOException(
          e.getMessage() + "; if you remove it, what the cache holds back is lost", e);
    }
  }

  private static void writeMark(Path directory, String name) throws IOException {
    if (!name.equals(readMark(directory))) {
      SealedFile.replace(diskOf(directory), directory.resolve(LocalSheep.CACHE_MARK), name + "\n");
    }
  }

  private static Disk diskOf(Path directory) {
    return new Disk(directory, (change, path) -> {});
  }

  private static void empty(Path objects) throws IOException {
    if (!Files.isDirectory(objects, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    log.warn("the store was used without the cache {} since; it is emptied", objects);
    ObjectCache.erase(objects);
  }

  private static ThreadFactory daemons(String name) {
    return task -> {
      Thread thread = new Thread(task, name);
      thread.setDaemon(true);
      return thread;
    };
  }

  private void maintain() {
    try {
      cache.maintain();
    } catch (RuntimeException e) {
      log.error("the maintenance of the cache failed; it is tried again", e);
    }
  }

  /** Carries out what people tell it. */
  CacheCommands commands() {
    return commands;
  }

  ObjectCache objects() {
    return cache;
  }

  GatewayCacheOptions options() {
    return options;
  }

  /** See {@link #snapshots}. */
  ReentrantReadWriteLock snapshots() {
    return snapshots;
  }

  /** The state of the cache, and what it has done. */
  CacheStatus status() {
    return cache.status();
  }

  /** Pushes and forgets what is cached of a VDI. */
  void flushAndPurge(VdiId vid) throws SheepException {
    cache.flush(vid);
    cache.purge(vid);
  }

  /** Pushes everything, and makes it durable. */
  public void flushAll() throws SheepException {
    for (CachedVdi cached : cache.vdis()) {
      if (cached.dirtyObjects() > 0) {
        cache.flush(cached.vid());
      }
    }
  }

  /** Closes it. What is dirty stays, for the next time. Nobody may be using it. */
  @Override
  public void close() throws IOException {
    commands.stopAll();
    timer.shutdown();
    pushes.shutdown();
    try {
      if (!timer.awaitTermination(END_SECONDS, TimeUnit.SECONDS)
          || !pushes.awaitTermination(END_SECONDS, TimeUnit.SECONDS)) {
        log.warn("the cache is closed while something still uses it");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    cache.close();
  }

  /** How a store is opened that has this cache, or none, in front. */
  static LocalSheep openStore(
      Path directory, LocalSheepOptions options, @Nullable GatewayCacheOptions cache)
      throws IOException {
    return cache == null
        ? LocalSheep.open(directory, options)
        : LocalSheep.openBehindCache(directory, options);
  }
}
