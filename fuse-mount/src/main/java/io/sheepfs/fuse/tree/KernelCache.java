package io.sheepfs.fuse.tree;

import java.io.IOException;

/**
 * What the kernel remembers of a tree: it is told what to forget. The kernel may take locks for
 * that which it also holds while it waits for an answer of the tree; so nobody may call this with a
 * lock in hand that answers need, nor a thread that gives answers.
 *
 * <p>Safe for any number of threads.
 */
public interface KernelCache {

  /** A kernel that cannot be told: it forgets by itself after a while. */
  KernelCache UNREACHABLE =
      new KernelCache() {
        @Override
        public void forgetContent(Node node) {}

        @Override
        public void forgetName(Directory parent, String name) {}
      };

  /** The attributes and the data of a node are not what they were. */
  void forgetContent(Node node) throws IOException;

  /** A name in a directory does not mean any more what it meant. */
  void forgetName(Directory parent, String name) throws IOException;
}
