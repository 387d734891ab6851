package io.sheepfs.fuse.transport;

import io.sheepfs.fuse.tree.KernelCache;
import java.io.IOException;

/** A tree that is mounted. Safe for any number of threads. */
public interface MountSession {

  /** What serves it, by the name that {@code --transport} knows. */
  String transport();

  /** What the kernel remembers of the tree, to have it forget. */
  default KernelCache kernelCache() {
    return KernelCache.UNREACHABLE;
  }

  /**
   * Waits until it is no longer mounted, whoever ended it, and no request is under way.
   *
   * @throws IOException if the session broke
   */
  void awaitEnd() throws IOException, InterruptedException;

  /**
   * Takes it off the mountpoint. Who has files open keeps them until they are closed or this
   * process ends. Again does nothing.
   */
  void unmount() throws IOException;
}
