package io.sheepfs.dog;

import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiDirectory;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code dog cluster snapshot load}. The original writes the saved inodes and objects to the
 * cluster as they were. We make the VDIs anew, through the operations that every sheep has: the
 * oldest snapshot first, each from the one that it came from, so that they share objects as they
 * did. Ids and numbers can be others then; names, tags, sizes and contents are the same. As in the
 * original, a working VDI is made that goes on from the last snapshot.
 */
@Command(name = "load", description = "Formats the cluster and loads a cluster snapshot into it.")
final class ClusterSnapshotLoad extends DogCommand {

  @Option(
      names = {"-f", "--force"},
      description = FORCE)
  private boolean force;

  @Option(
      names = {"-m", "--multithread"},
      hidden = true,
      description = "taken for the original's sake")
  boolean multithread;

  @Parameters(index = "0", paramLabel = "SNAPSHOT", description = "its tag or index")
  private String tag = "";

  @Parameters(index = "1", paramLabel = "PATH")
  private String path = "";

  @Parameters(index = "2..*", paramLabel = "NAME", description = "only these virtual disks")
  private List<String> names = new ArrayList<>();

  ClusterSnapshotLoad(Environment environment) {
    super(environment);
  }

  /** A snapshot of a VDI as it was saved. */
  private record Saved(VdiInfo info, IntBuffer owners) {
    int owner(int index) {
      return index < owners.limit() ? owners.get(index) : 0;
    }
  }

  /** What was made so far. */
  private static final class Loaded {
    private final Map<VdiId, VdiId> newIds = new HashMap<>();
    private final Map<VdiId, Saved> saved = new HashMap<>();
    private final Map<VdiName, VdiId> workingFrom = new HashMap<>();
    private final Map<VdiName, Set<SnapshotTag>> tags = new HashMap<>();
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    SnapshotArchive archive = SnapshotArchive.open(VdiImport.path(path));
    SnapshotArchive.Entry entry = ClusterSnapshotShow.require(archive, tag);
    Map<ObjectId, SnapshotArchive.StoredObject> objects = new HashMap<>();
    archive.objects(entry).forEach(object -> objects.put(object.oid(), object));
    List<Saved> snapshots = snapshots(session, archive, objects.values());
    SnapshotArchive.Defaults defaults = archive.defaults();
    if (snapshots.isEmpty() || defaults == null) {
      throw DogException.failure("There is nothing to load in this cluster snapshot");
    }
    if (!ClusterFormat.format(
        session,
        ClusterFormat.fields(defaults.copies(), defaults.blockSizeShift()),
        "plain",
        force)) {
      return ExitCode.FAILURE;
    }
    Loaded loaded = new Loaded();
    try (Progress progress =
        new Progress(session, "load " + entry.tag(), snapshots.size(), Progress.Unit.OBJECTS)) {
      for (Saved snapshot : snapshots) {
        load(session, archive, objects, snapshot, loaded);
        progress.advance(1);
      }
    }
    return ExitCode.SUCCESS;
  }

  /** The snapshots to load, each behind the one it came from. */
  private List<Saved> snapshots(
      Session session, SnapshotArchive archive, Iterable<SnapshotArchive.StoredObject> objects)
      throws IOException, DogException {
    List<Saved> snapshots = new ArrayList<>();
    for (SnapshotArchive.StoredObject object : objects) {
      if (!object.isInode()) {
        continue;
      }
      ByteBuffer inode = ByteBuffer.wrap(archive.readObject(object)).order(ByteOrder.LITTLE_ENDIAN);
      InodeHeader header = InodeHeader.decode(inode);
      if (header.isDeleted() || !header.isSnapshot()) {
        continue;
      }
      VdiInfo info;
      try {
        info = header.toVdiInfo();
      } catch (IllegalArgumentException e) {
        session.err().println("Left out: " + e.getMessage());
        continue;
      }
      if (names.isEmpty() || names.contains(info.name().value())) {
        if (header.vmStateSize() != 0) {
          session.err().println("Left out: the saved memory of a machine with " + info.name());
        }
        inode.position(InodeLayout.INDEX);
        snapshots.add(
            new Saved(
                info,
                inode.slice().order(inode.order()).asIntBuffer().slice(0, info.objectCount())));
      }
    }
    snapshots.sort(
        Comparator.comparing((Saved saved) -> taken(saved.info()))
            .thenComparing(saved -> saved.info().vid().value()));
    return snapshots;
  }

  private static Instant taken(VdiInfo snapshot) {
    Instant taken = snapshot.snapshotTaken();
    return taken == null ? Instant.MIN : taken;
  }

  private static void load(
      Session session,
      SnapshotArchive archive,
      Map<ObjectId, SnapshotArchive.StoredObject> objects,
      Saved snapshot,
      Loaded loaded)
      throws IOException, DogException {
    VdiInfo info = snapshot.info();
    VdiDirectory vdis = session.cluster().vdis();
    Saved base = makeWorking(vdis, snapshot, loaded);
    try (Volume volume = Volume.open(session.cluster(), info.name(), Access.READ_WRITE)) {
      if (volume.sizeBytes() != info.sizeBytes()) {
        volume.resize(info.sizeBytes());
      }
      for (int index = 0; index < info.objectCount(); index++) {
        int owner = snapshot.owner(index);
        if (owner != (base == null ? 0 : base.owner(index))) {
          fill(archive, objects, volume, index, owner);
        }
      }
      volume.flush();
    }
    Set<SnapshotTag> used = loaded.tags.computeIfAbsent(info.name(), n -> new HashSet<>());
    SnapshotTag tag = info.tag();
    VdiInfo working = vdis.lookup(info.name());
    if (tag == null || !used.add(tag)) {
      tag = new SnapshotTag(Integer.toString(working.snapshotId()));
      used.add(tag);
    }
    vdis.snapshot(info.name(), tag);
    loaded.newIds.put(info.vid(), working.vid());
    loaded.saved.put(info.vid(), snapshot);
    loaded.workingFrom.put(info.name(), info.vid());
  }

  /**
   * Sees to it that there is a working VDI to write the content of a snapshot to.
   *
   * @return the saved snapshot that it has the content of; null if it is empty
   */
  private static @Nullable Saved makeWorking(VdiDirectory vdis, Saved snapshot, Loaded loaded)
      throws IOException {
    VdiInfo info = snapshot.info();
    VdiId parent = info.parent();
    VdiId from = loaded.workingFrom.get(info.name());
    if (from != null && from.equals(parent)) {
      return loaded.saved.get(from);
    }
    if (from != null) {
      vdis.delete(info.name()); // it is of another branch, and has nothing of its own
    }
    VdiId base = parent == null ? null : loaded.newIds.get(parent);
    if (base != null && parent != null) {
      vdis.cloneSnapshot(base, info.name());
      return loaded.saved.get(parent);
    }
    vdis.create(info.name(), new VdiSpec(info.sizeBytes(), info.copies(), info.blockSizeShift()));
    return null;
  }

  private static void fill(
      SnapshotArchive archive,
      Map<ObjectId, SnapshotArchive.StoredObject> objects,
      Volume volume,
      int index,
      int owner)
      throws IOException, DogException {
    long start = (long) index << volume.info().blockSizeShift();
    int length = (int) Math.min(volume.info().objectSizeBytes(), volume.sizeBytes() - start);
    volume.discard(start, length);
    if (owner == 0) {
      return;
    }
    ObjectId oid = ObjectId.data(new VdiId(owner), index);
    SnapshotArchive.StoredObject stored = objects.get(oid);
    if (stored == null) {
      throw DogException.failure("Object " + oid + " is missing in the cluster snapshot");
    }
    byte[] bytes = archive.readObject(stored);
    VdiImport.writeData(volume, start, bytes, Math.min(length, bytes.length));
  }
}
