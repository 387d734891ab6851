package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import java.util.List;

/** A directory whose entries never change. */
final class FixedDirectory extends Directory {

  private final ClusterTree tree;
  private final List<Entry> entries;

  FixedDirectory(ClusterTree tree, List<Entry> entries) {
    this.tree = tree;
    this.entries = entries;
  }

  @Override
  public Attributes attributes() {
    return tree.directoryAttributes();
  }

  @Override
  public Node lookup(String name) throws TreeException {
    for (Entry entry : entries) {
      if (entry.name().equals(name)) {
        return entry.node();
      }
    }
    throw new TreeException(Reason.NOT_FOUND, name);
  }

  @Override
  public List<Entry> list() {
    return entries;
  }
}
