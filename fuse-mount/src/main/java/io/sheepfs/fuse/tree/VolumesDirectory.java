package io.sheepfs.fuse.tree;

import io.sheepfs.fuse.tree.TreeException.Reason;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * volume/: the working VDIs. Each look asks the cluster, so VDIs that others make or delete come
 * and go by themselves.
 */
final class VolumesDirectory extends Directory {

  private static final Logger log = LoggerFactory.getLogger(VolumesDirectory.class);

  private final ClusterTree tree;

  /** One node per name, as long as the VDI is there or somebody has it open. */
  private final Map<VdiName, VolumeFile> files = new ConcurrentHashMap<>();

  VolumesDirectory(ClusterTree tree) {
    this.tree = tree;
  }

  @Override
  public Attributes attributes() {
    return tree.directoryAttributes();
  }

  @Override
  public VolumeFile lookup(String name) throws IOException {
    VdiName vdi = EntryNames.existingVdi(name);
    VolumeFile known = files.get(vdi);
    if (known != null && known.isUnlinked() && !known.awaitLastClose()) {
      throw new TreeException(Reason.NOT_FOUND, name);
    }
    if (known != null && known.isOpen() && !known.isGone()) {
      return known;
    }
    try {
      tree.cluster.vdis().lookup(vdi);
    } catch (SheepException e) {
      if (e.result() == ResultCode.NO_VDI && known != null && !known.isOpen()) {
        files.remove(vdi, known);
      }
      throw e;
    }
    return file(vdi);
  }

  private VolumeFile file(VdiName name) {
    return files.computeIfAbsent(name, absent -> new VolumeFile(tree, this, absent));
  }

  @Override
  public List<Entry> list() throws IOException {
    List<Entry> entries = new ArrayList<>();
    for (VdiInfo vdi : tree.cluster.vdis().list()) {
      if (!vdi.isSnapshot()) {
        VolumeFile file = file(vdi.name());
        if (!file.isUnlinked()) {
          entries.add(new Entry(vdi.name().value(), file));
        }
      }
    }
    entries.sort(Comparator.comparing(Entry::name));
    return entries;
  }

  @Override
  public OpenFile create(String name, OpenFlags flags) throws IOException {
    checkWritable();
    VdiName vdi = EntryNames.newVdi(name);
    VolumeFile known = files.get(vdi);
    if (known != null && known.isUnlinked() && !known.awaitLastClose()) {
      throw new TreeException(
          Reason.BUSY, name + " was removed here, but is still open; it goes at the last close");
    }
    try {
      tree.cluster.vdis().create(vdi, VdiSpec.ofSize(0));
    } catch (SheepException e) {
      if (e.result() != ResultCode.VDI_EXIST || flags.exclusive()) {
        throw e;
      }
    }
    return file(vdi).open(flags);
  }

  @Override
  public void unlink(String name) throws IOException {
    checkWritable();
    VolumeFile file = lookup(name);
    file.unlink();
  }

  /** A clone: the one thing that a second name for a snapshot can mean. */
  @Override
  public Node link(Node target, String name) throws IOException {
    checkWritable();
    if (!(target instanceof SnapshotFile snapshot)) {
      throw new TreeException(Reason.NOT_PERMITTED, "only a snapshot can be linked, as a clone");
    }
    VdiName vdi = EntryNames.newVdi(name);
    tree.cluster.vdis().cloneSnapshot(snapshot.vid(), vdi);
    return file(vdi);
  }

  /** The node of a VDI that somebody has open in this mount. */
  @Nullable VolumeFile openFile(VdiName name) {
    VolumeFile file = files.get(name);
    return file != null && file.isOpen() ? file : null;
  }

  /** Called when a VDI is gone for good. */
  void forget(VolumeFile file) {
    files.remove(file.name(), file);
  }

  /** How many volumes are open. */
  int openCount() {
    return (int) files.values().stream().filter(VolumeFile::isOpen).count();
  }

  /** The names of the volumes, one a line. */
  String names() throws IOException {
    StringBuilder text = new StringBuilder();
    for (Entry entry : list()) {
      text.append(entry.name()).append('\n');
    }
    return text.toString();
  }

  /** Checks that a VDI is there: all are always mounted. */
  void check(String name) throws IOException {
    lookup(name);
  }

  /** Checks that nobody has a VDI open here, which is all that unmounting it can mean. */
  void checkClosed(String name) throws IOException {
    if (lookup(name).isOpen()) {
      throw new TreeException(Reason.BUSY, name + " is open");
    }
  }

  /** Closes every open volume, and flushes it before if that is wanted. */
  void close(boolean flush) throws IOException {
    forAll(file -> file.closeVolume(flush));
  }

  /** As {@link ClusterTree#takeOverChanges}. */
  void takeOverChanges(KernelCache kernel) {
    for (VolumeFile file : files.values()) {
      try {
        boolean wasGone = file.isGone();
        if (file.takeOverChanges()) {
          kernel.forgetContent(file);
        }
        if (file.isGone() && !wasGone) {
          kernel.forgetName(this, file.name().value());
        }
      } catch (IOException e) {
        log.debug("cannot see whether {} has changed; it is tried again", file.name(), e);
      }
    }
  }

  /** Flushes every open volume. */
  void flush() throws IOException {
    forAll(VolumeFile::flushVolume);
  }

  private interface Step {
    void on(VolumeFile file) throws IOException;
  }

  /** Takes a step with every volume, also after one that failed. */
  private void forAll(Step step) throws IOException {
    IOException first = null;
    for (VolumeFile file : files.values()) {
      try {
        step.on(file);
      } catch (IOException e) {
        if (first == null) {
          first = e;
        } else {
          first.addSuppressed(e);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }

  private void checkWritable() throws TreeException {
    if (tree.readOnly) {
      throw new TreeException(Reason.READ_ONLY, "the mount is read-only");
    }
  }
}
