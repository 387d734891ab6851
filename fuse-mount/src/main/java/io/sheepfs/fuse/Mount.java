package io.sheepfs.fuse;

import io.sheepfs.cache.coherence.CachedCluster;
import io.sheepfs.fuse.transport.MountRequest;
import io.sheepfs.fuse.transport.MountRequest.PageCache;
import io.sheepfs.fuse.transport.MountSession;
import io.sheepfs.fuse.transport.Transport;
import io.sheepfs.fuse.transport.direct.DirectTransport;
import io.sheepfs.fuse.transport.jnr.JnrTransport;
import io.sheepfs.fuse.tree.ClusterTree;
import io.sheepfs.fuse.tree.MountSettings;
import io.sheepfs.fuse.tree.Ownership;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.store.server.ServiceManager;
import io.sheepfs.store.server.Watchdog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One mount from its first check to its last flush. It ends when somebody unmounts it, or by
 * SIGTERM or SIGINT; either way everything is flushed and the locks are let go before the process
 * exits.
 */
final class Mount {

  private static final Logger log = LoggerFactory.getLogger(Mount.class);

  /** How long a terminated mount waits for requests under way, before it flushes and goes. */
  private static final long DRAIN_SECONDS = 5;

  private final MountConfig config;
  private final Console console;
  private final Cluster cluster;
  private final ClusterTree tree;
  private final MountSession session;
  private final MountControl control;
  private final OutsideChanges changes;
  private final CountDownLatch unmounted = new CountDownLatch(1);
  private final CountDownLatch saved = new CountDownLatch(1);

  private Mount(
      MountConfig config,
      Cluster cluster,
      ClusterTree tree,
      MountSession session,
      MountControl control,
      Console console) {
    this.config = config;
    this.console = console;
    this.changes = new OutsideChanges(tree, session.kernelCache());
    this.cluster = cluster;
    this.tree = tree;
    this.session = session;
    this.control = control;
  }

  /**
   * Mounts, serves until the end, and flushes.
   *
   * @return the exit code
   * @throws IOException if it could not be mounted
   */
  static int run(MountConfig config, Console console) throws IOException {
    new Mountpoint(config.mountpoint(), console).prepare();
    Cluster cluster = ClusterChoice.open(config);
    boolean done = false;
    Mount mount;
    try {
      cluster = new MountCache(config.cache(), config.store() != null, console).open(cluster);
      ClusterTree tree =
          new ClusterTree(
              cluster,
              config.store() != null,
              ownership(config),
              config.readOnly(),
              InstantSource.system(),
              new MountSettings(
                  config.pageCache().name().toLowerCase(Locale.ROOT),
                  config.cache().mode(config.store() != null).name().toLowerCase(Locale.ROOT),
                  config.source()));
      MountControl control = new MountControl(config, console, cluster, tree);
      control.startMetrics();
      MountSession session = mount(config, tree);
      mount = new Mount(config, cluster, tree, session, control, console);
      done = true;
    } finally {
      if (!done) {
        cluster.close();
      }
    }
    return mount.serve();
  }

  private static Ownership ownership(MountConfig config) throws IOException {
    Path self = Path.of("/proc/self");
    Integer user = config.user();
    Integer group = config.group();
    return new Ownership(
        user != null ? user : (Integer) Files.getAttribute(self, "unix:uid"),
        group != null ? group : (Integer) Files.getAttribute(self, "unix:gid"),
        config.umask());
  }

  private static MountSession mount(MountConfig config, ClusterTree tree) throws IOException {
    MountRequest request =
        new MountRequest(
            config.mountpoint(),
            config.source(),
            config.readOnly(),
            config.allowOther(),
            config.pageCache());
    List<Transport> candidates = transports(config);
    IOException refused = null;
    for (Transport transport : candidates) {
      try {
        MountSession session = transport.mount(request, tree);
        log.info(
            "{} mounted at {} ({})", config.source(), config.mountpoint(), session.transport());
        return session;
      } catch (IOException e) {
        log.debug("{} does not work here", transport.getClass().getSimpleName(), e);
        if (refused == null) {
          refused = e;
        } else {
          refused.addSuppressed(e);
        }
      }
    }
    throw new MountFailure(
        Sheepfs.EXIT_MOUNT_FAILED,
        refused == null ? "no transport" : String.valueOf(refused.getMessage()),
        refused == null ? new IOException("no transport") : refused);
  }

  private static List<Transport> transports(MountConfig config) throws MountFailure {
    List<Transport> transports = new ArrayList<>();
    boolean writeback = config.pageCache() == PageCache.WRITEBACK;
    switch (config.transport()) {
      case URING -> transports.add(DirectTransport.rings());
      case DIRECT -> transports.add(DirectTransport.device());
      case JNR -> {
        if (writeback) {
          throw new MountFailure(
              Sheepfs.EXIT_USAGE, "libfuse 2 has no write-back cache; use --transport direct");
        }
        transports.add(new JnrTransport());
      }
      case AUTO -> {
        // the kernel's own cache gathers small requests into large ones, where rings are slower
        transports.add(writeback ? DirectTransport.device() : DirectTransport.rings());
        if (!writeback) {
          transports.add(new JnrTransport());
        }
      }
    }
    return transports;
  }

  private int serve() {
    Thread hook = new Thread(this::terminated, "sheepfs-shutdown");
    Runtime.getRuntime().addShutdownHook(hook);
    control.start();
    changes.start();
    UmountHelper.register(config.mountpoint(), config.readOnly());
    console.ready();
    ServiceManager.ready(config.source() + " is mounted at " + config.mountpoint());
    Watchdog.start(control::answers);
    warm();
    int code = Sheepfs.EXIT_OK;
    try {
      session.awaitEnd();
      new Mountpoint(config.mountpoint(), console).sweep();
    } catch (IOException e) {
      code = Sheepfs.EXIT_SYSTEM;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    unmounted.countDown();
    return save() ? code : Sheepfs.EXIT_SYSTEM;
  }

  /** Has VDIs read into the cache, in the background. */
  private void warm() {
    for (VdiName name : config.cache().warm()) {
      try {
        if (cluster instanceof CachedCluster cached) {
          cached.warm(name);
        } else {
          log.warn("{} is not read into the cache, since there is none", name);
        }
      } catch (SheepException e) {
        log.warn("cannot read {} into the cache: {}", name, e.getMessage());
      }
    }
  }

  /** The shutdown hook. After an ordinary end everything is saved already. */
  private void terminated() {
    if (saved.getCount() == 0) {
      return;
    }
    boolean clean = true;
    try {
      session.unmount();
      if (!unmounted.await(DRAIN_SECONDS, TimeUnit.SECONDS)) {
        log.warn("{} is still in use; its open files are cut off", config.mountpoint());
      }
    } catch (IOException e) {
      log.error("Cannot unmount {}", config.mountpoint(), e);
      clean = false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    clean &= save();
    Runtime.getRuntime().halt(clean ? Sheepfs.EXIT_OK : Sheepfs.EXIT_SYSTEM);
  }

  /** Flushes and closes, once; returns whether all is safe. */
  private synchronized boolean save() {
    if (saved.getCount() == 0) {
      return true;
    }
    ServiceManager.stopping("writing everything out");
    changes.close();
    boolean safe = true;
    try {
      if (config.flushAtEnd() && !control.leavesDirty()) {
        control.withProgress(tree::close);
      } else {
        tree.abandon();
      }
    } catch (IOException e) {
      String left = cluster instanceof CachedCluster ? "; it stays in the cache" : "";
      console.error("could not save everything: " + e.getMessage() + left);
      log.error("Could not save everything{}", left, e);
      safe = false;
    }
    try {
      cluster.close();
    } catch (IOException e) {
      console.error("could not close the cluster: " + e.getMessage());
      log.error("Could not close the cluster", e);
      safe = false;
    }
    log.info("{} unmounted", config.mountpoint());
    control.ended(safe);
    saved.countDown();
    return safe;
  }
}
