package io.sheepfs.fuse.transport.jnr;

import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.fuse.tree.Directory;
import io.sheepfs.fuse.tree.Node;
import java.io.IOException;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Finds nodes by the paths that libfuse gives: absolute, with single slashes and no dots.
 *
 * <p>libfuse knows files by path alone. So that one which is removed while it is open can still be
 * asked for its attributes, libfuse renames it to a hidden name first. Here the file is removed
 * from the tree then, which keeps it while it is open, and only this class knows it by the hidden
 * name, until libfuse removes that, too.
 *
 * <p>Safe for any number of threads.
 */
final class PathResolver {

  private final Directory root;
  private final ConcurrentHashMap<String, Node> hidden = new ConcurrentHashMap<>();

  PathResolver(Directory root) {
    this.root = root;
  }

  /** The node with a path. */
  Node node(String path) throws IOException {
    Node node = hidden.get(path);
    return node == null ? walk(path) : node;
  }

  private Node walk(String path) throws IOException {
    Node node = root;
    int at = 1;
    while (at < path.length()) {
      if (!(node instanceof Directory directory)) {
        throw new Callbacks.Refusal(Errno.ENOTDIR);
      }
      int slash = path.indexOf('/', at);
      int end = slash < 0 ? path.length() : slash;
      node = directory.lookup(path.substring(at, end));
      at = end + 1;
    }
    return node;
  }

  /** The directory with a path. */
  Directory directory(String path) throws IOException {
    if (node(path) instanceof Directory directory) {
      return directory;
    }
    throw new Callbacks.Refusal(Errno.ENOTDIR);
  }

  /** The directory that holds the last name of a path. */
  Directory parent(String path) throws IOException {
    return directory(path.substring(0, Math.max(1, path.lastIndexOf('/'))));
  }

  /** The last name of a path. */
  static String name(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Removes a file, or the hidden name of one that is removed already. */
  void unlink(String path) throws IOException {
    if (hidden.remove(path) == null) {
      parent(path).unlink(name(path));
    }
  }

  /** Removes an open file, and knows it by a hidden name from now on. */
  void hide(String path, String hiddenPath) throws IOException {
    Node node = node(path);
    hidden.put(hiddenPath, node);
    boolean done = false;
    try {
      parent(path).unlink(name(path));
      done = true;
    } finally {
      if (!done) {
        hidden.remove(hiddenPath);
      }
    }
  }
}
