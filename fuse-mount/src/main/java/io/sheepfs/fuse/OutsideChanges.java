package io.sheepfs.fuse;

import io.sheepfs.fuse.tree.ClusterTree;
import io.sheepfs.fuse.tree.KernelCache;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks once a second whether others have changed what is open here, on a thread of its own: the
 * kernel, told to forget it, may have to wait for answers of ours.
 */
final class OutsideChanges implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(OutsideChanges.class);
  private static final long PAUSE_MILLIS = 1000;

  private final ClusterTree tree;
  private final KernelCache kernel;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "sheepfs-changes");
            thread.setDaemon(true);
            return thread;
          });

  OutsideChanges(ClusterTree tree, KernelCache kernel) {
    this.tree = tree;
    this.kernel = kernel;
  }

  void start() {
    if (!tree.isAlone()) {
      ScheduledFuture<?> unused =
          timer.scheduleWithFixedDelay(
              this::look, PAUSE_MILLIS, PAUSE_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  private void look() {
    try {
      tree.takeOverChanges(kernel);
    } catch (RuntimeException e) {
      log.error("Looking for changes failed; it is tried again", e);
    }
  }

  /** Looks no more, once what is under way is over. */
  @Override
  public void close() {
    timer.shutdown();
  }
}
