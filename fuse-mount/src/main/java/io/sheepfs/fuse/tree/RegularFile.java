package io.sheepfs.fuse.tree;

import java.io.IOException;

/** A file. */
public abstract non-sealed class RegularFile extends Node {

  /** Opens it. Each handle is closed by {@link OpenFile#release}. */
  public abstract OpenFile open(OpenFlags flags) throws IOException;
}
