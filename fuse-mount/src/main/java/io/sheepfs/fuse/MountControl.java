package io.sheepfs.fuse;

import io.sheepfs.cache.CacheStatus;
import io.sheepfs.cache.coherence.CachedCluster;
import io.sheepfs.fuse.control.ControlServer;
import io.sheepfs.fuse.control.Controlled;
import io.sheepfs.fuse.tree.ClusterTree;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.telemetry.ClusterHealth;
import io.sheepfs.telemetry.Health;
import io.sheepfs.telemetry.MetricsServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What {@code sheepfs status}, {@code flush} and {@code umount} ask of a mount. Safe for any number
 * of threads.
 */
final class MountControl implements Controlled {

  private static final Logger log = LoggerFactory.getLogger(MountControl.class);

  private static final int READ_SECONDS = 20;

  private final MountConfig config;
  private final Console console;
  private final Cluster cluster;
  private final ClusterTree tree;
  private final ClusterHealth health;
  private final Instant since = Instant.now();
  private volatile boolean leaveDirty;
  private volatile @Nullable ControlServer server;
  private volatile @Nullable MetricsServer metrics;

  MountControl(MountConfig config, Console console, Cluster cluster, ClusterTree tree) {
    this.config = config;
    this.console = console;
    this.cluster = cluster;
    this.tree = tree;
    this.health = new ClusterHealth(this::askCluster);
  }

  /** Begins to listen; without a place for a socket the mount works, but cannot be asked. */
  void start() {
    try {
      ControlServer started = ControlServer.start(config.mountpoint(), this);
      console.follow(started::say);
      server = started;
    } catch (IOException e) {
      log.warn("'sheepfs status' and 'sheepfs umount' cannot reach this mount", e);
    }
  }

  boolean leavesDirty() {
    return leaveDirty;
  }

  @Override
  public void leaveDirty(boolean leave) {
    leaveDirty = leave;
  }

  @Override
  public void flush() throws IOException {
    withProgress(tree::flush);
  }

  /** A flush, of which there is more than one kind. */
  interface Flush {
    void run() throws IOException;
  }

  /** Flushes, tells meanwhile how much is left, and then has an embedded store forced. */
  void withProgress(Flush flush) throws IOException {
    if (cluster instanceof CachedCluster cached) {
      FlushProgress progress = FlushProgress.start(cached.cache(), console);
      try {
        flush.run();
      } finally {
        progress.stop();
      }
    } else {
      flush.run();
    }
    Cluster store = cluster instanceof CachedCluster cached ? cached.backing() : cluster;
    if (store instanceof LocalSheep local) {
      local.flushAll();
    }
  }

  @Override
  public String status() {
    StringBuilder text = new StringBuilder();
    line(text, "process", ProcessHandle.current().pid());
    line(text, "mounted_seconds", Duration.between(since, Instant.now()).toSeconds());
    line(text, "read_only", config.readOnly() ? "yes" : "no");
    line(text, "open_volumes", tree.openVolumes());
    line(text, "cluster", health.ask().text());
    if (cluster instanceof CachedCluster cached) {
      CacheStatus cache = cached.cache().status();
      line(
          text,
          "cache",
          config.cache().mode(config.store() != null).name().toLowerCase(Locale.ROOT));
      line(text, "cached_bytes", cache.validBytes());
      line(text, "dirty_bytes", cache.dirtyBytes());
      line(text, "oldest_dirty_ms", cache.oldestDirtyMillis());
      line(text, "cache_disk_failures", cache.diskFailures());
    } else {
      line(text, "cache", "off");
    }
    return text.toString();
  }

  @Override
  public String metrics() {
    return tree.metrics();
  }

  private static void line(StringBuilder text, String name, Object value) {
    text.append(name).append(' ').append(value).append('\n');
  }

  /** Begins to tell metrics, if they are wanted. */
  void startMetrics() throws MountFailure {
    InetSocketAddress address = config.telemetry().metrics();
    if (address == null) {
      return;
    }
    try {
      metrics = MetricsServer.start(address, tree::numbers, health::ask, null);
    } catch (IOException e) {
      throw new MountFailure(
          Sheepfs.EXIT_MOUNT_FAILED, "cannot listen for metrics at " + address + ": " + e, e);
    }
  }

  private Health askCluster() throws SheepException {
    ResultCode state = cluster.info().state();
    return new Health(state == ResultCode.SUCCESS, state.text());
  }

  /**
   * Whether the mount answers the kernel. It is asked by another process: one that hangs in a mount
   * of its own cannot be killed. While the cluster is away all threads may rightly wait for it.
   */
  boolean answers() {
    try {
      Process reader =
          new ProcessBuilder("cat", config.mountpoint().resolve("config/sheep_info").toString())
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start();
      if (reader.waitFor(READ_SECONDS, TimeUnit.SECONDS)) {
        return reader.exitValue() == 0;
      }
      reader.destroyForcibly();
      return !health.ask().well();
    } catch (IOException e) {
      log.warn("the mount cannot be asked", e);
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Tells who waits how the mount ended; nobody can ask any more. */
  void ended(boolean safe) {
    MetricsServer telling = metrics;
    if (telling != null) {
      telling.close();
    }
    ControlServer listening = server;
    if (listening == null) {
      return;
    }
    listening.ended(safe ? null : "not everything was saved");
    try {
      listening.close();
    } catch (IOException e) {
      log.warn("The control socket stays behind", e);
    }
  }
}
