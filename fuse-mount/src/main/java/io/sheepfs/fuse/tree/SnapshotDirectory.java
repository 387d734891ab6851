package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * snapshot/NAME/: the snapshots of one VDI, by tag, or by number where there is no tag. Making a
 * file takes a snapshot, removing one drops it.
 */
final class SnapshotDirectory extends Directory {

  private final ClusterTree tree;
  private final VolumesDirectory volumes;
  private final VdiName name;
  private final Map<VdiId, SnapshotFile> files = new ConcurrentHashMap<>();

  SnapshotDirectory(ClusterTree tree, VolumesDirectory volumes, VdiName name) {
    this.tree = tree;
    this.volumes = volumes;
    this.name = name;
  }

  @Override
  public Attributes attributes() {
    return tree.directoryAttributes();
  }

  @Override
  public SnapshotFile lookup(String entry) throws IOException {
    for (VdiInfo snapshot : snapshots()) {
      if (entryName(snapshot).equals(entry)) {
        return file(snapshot);
      }
    }
    throw new TreeException(Reason.NOT_FOUND, name + "/" + entry);
  }

  @Override
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    Set<VdiId> present = new HashSet<>();
    for (VdiInfo snapshot : snapshots()) {
      present.add(snapshot.vid());
      entries.add(new Entry(entryName(snapshot), file(snapshot)));
    }
    files.keySet().retainAll(present);
    return entries;
  }

  private List<VdiInfo> snapshots() throws IOException {
    List<VdiInfo> snapshots = new ArrayList<>();
    for (VdiInfo vdi : tree.cluster.vdis().list()) {
      if (vdi.isSnapshot() && vdi.name().equals(name)) {
        snapshots.add(vdi);
      }
    }
    snapshots.sort(Comparator.comparingInt(VdiInfo::snapshotId));
    return snapshots;
  }

  private static String entryName(VdiInfo snapshot) {
    SnapshotTag tag = snapshot.tag();
    return tag == null ? Integer.toString(snapshot.snapshotId()) : tag.value();
  }

  private SnapshotFile file(VdiInfo snapshot) {
    return files.computeIfAbsent(snapshot.vid(), vid -> new SnapshotFile(tree, snapshot));
  }

  @Override
  public OpenFile create(String entry, OpenFlags flags) throws IOException {
    if (tree.readOnly) {
      throw new TreeException(Reason.READ_ONLY, "the mount is read-only");
    }
    SnapshotTag tag = EntryNames.newTag(entry);
    VolumeFile open = volumes.openFile(name);
    if (open != null) {
      open.snapshot(tag);
    } else {
      tree.cluster.vdis().snapshot(name, tag);
    }
    return lookup(entry).openToRead();
  }

  @Override
  public void unlink(String entry) throws IOException {
    if (tree.readOnly) {
      throw new TreeException(Reason.READ_ONLY, "the mount is read-only");
    }
    SnapshotFile file = lookup(entry);
    if (file.isOpen()) {
      throw new TreeException(Reason.BUSY, name + "/" + entry + " is open");
    }
    tree.cluster.vdis().delete(name, new SnapshotSelector.ById(file.snapshot().snapshotId()));
    files.remove(file.vid(), file);
  }
}
