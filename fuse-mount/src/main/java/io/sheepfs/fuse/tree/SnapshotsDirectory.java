package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/** snapshot/: a directory for each VDI, whether it has snapshots or not. */
final class SnapshotsDirectory extends Directory {

  private final ClusterTree tree;
  private final VolumesDirectory volumes;
  private final Map<VdiName, SnapshotDirectory> directories = new ConcurrentHashMap<>();

  SnapshotsDirectory(ClusterTree tree, VolumesDirectory volumes) {
    this.tree = tree;
    this.volumes = volumes;
  }

  @Override
  public Attributes attributes() {
    return tree.directoryAttributes();
  }

  @Override
  public Node lookup(String name) throws IOException {
    for (VdiInfo vdi : tree.cluster.vdis().list()) {
      if (vdi.name().value().equals(name)) {
        return directory(vdi.name());
      }
    }
    throw new TreeException(Reason.NOT_FOUND, name);
  }

  @Override
  public List<Entry> list() throws IOException {
    TreeSet<String> names = new TreeSet<>();
    for (VdiInfo vdi : tree.cluster.vdis().list()) {
      names.add(vdi.name().value());
    }
    directories.keySet().removeIf(name -> !names.contains(name.value()));
    List<Entry> entries = new ArrayList<>();
    for (String name : names) {
      entries.add(new Entry(name, directory(new VdiName(name))));
    }
    return entries;
  }

  private SnapshotDirectory directory(VdiName name) {
    return directories.computeIfAbsent(
        name, absent -> new SnapshotDirectory(tree, volumes, absent));
  }
}
