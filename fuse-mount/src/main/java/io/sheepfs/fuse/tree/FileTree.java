package io.sheepfs.fuse.tree;

import io.sheepfs.protocol.Space;
import java.io.IOException;

/** A tree that a transport can mount. */
public interface FileTree {

  /** The top directory. */
  Directory root();

  /** What df shows. */
  Space space() throws IOException;

  /** The size of the blocks that space is counted in, and of good requests. */
  int blockSizeBytes();
}
