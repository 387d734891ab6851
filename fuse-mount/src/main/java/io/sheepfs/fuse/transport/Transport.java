package io.sheepfs.fuse.transport;

import io.sheepfs.fuse.tree.FileTree;
import java.io.IOException;

/** A way to bring a tree before the kernel. */
public interface Transport {

  /**
   * Mounts a tree. When this returns, the kernel has accepted it and any program can use it.
   *
   * @throws IOException with what to do about it in the message
   */
  MountSession mount(MountRequest request, FileTree tree) throws IOException;
}
