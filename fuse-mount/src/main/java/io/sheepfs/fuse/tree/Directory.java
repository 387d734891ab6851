package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import java.io.IOException;
import java.util.List;

/** A directory. Whatever it does not support is refused with {@link Reason#NOT_PERMITTED}. */
public abstract non-sealed class Directory extends Node {

  /** A name and what it stands for. */
  public record Entry(String name, Node node) {}

  /**
   * What a name stands for.
   *
   * @throws TreeException {@link Reason#NOT_FOUND}
   */
  public abstract Node lookup(String name) throws IOException;

  @Override
  public String toString() {
    return "a directory";
  }

  /** Everything in it, by name, without {@code .} and {@code ..}. */
  public abstract List<Entry> list() throws IOException;

  /**
   * Makes a file and opens it; one that exists is opened, unless {@link OpenFlags#exclusive}.
   *
   * @throws TreeException {@link Reason#EXISTS}
   */
  public OpenFile create(String name, OpenFlags flags) throws IOException {
    throw new TreeException(Reason.NOT_PERMITTED, "nothing can be made here: " + name);
  }

  /** Removes a file. */
  public void unlink(String name) throws IOException {
    throw new TreeException(Reason.NOT_PERMITTED, "nothing can be removed here: " + name);
  }

  /** Gives {@code target} a name here. */
  public Node link(Node target, String name) throws IOException {
    throw new TreeException(Reason.NOT_PERMITTED, "nothing can be linked here: " + name);
  }

  /**
   * Gives a file another name. The tree has no such thing: a VDI keeps its name, and {@code mv}
   * copies when it is told that this is another device.
   */
  public void rename(String name, Directory to, String newName) throws IOException {
    lookup(name);
    throw new TreeException(Reason.CROSS_DEVICE, "a VDI cannot be renamed: " + name);
  }
}
