package io.sheepfs.dog;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ObjectStore;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog cluster snapshot save}: all snapshots of the cluster; not the working VDIs. */
@Command(name = "save", description = "Saves the snapshots of all virtual disks in a directory.")
final class ClusterSnapshotSave extends DogCommand {

  @Option(
      names = {"-m", "--multithread"},
      hidden = true,
      description = "taken for the original's sake")
  boolean multithread;

  @Parameters(index = "0", paramLabel = "TAG", description = "a name; not a number")
  private String tag = "";

  @Parameters(index = "1", paramLabel = "PATH")
  private String path = "";

  @Parameters(index = "2..*", paramLabel = "NAME", description = "only of these virtual disks")
  private List<String> names = new ArrayList<>();

  ClusterSnapshotSave(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    if (tag.isEmpty() || Character.isDigit(tag.charAt(0))) {
      throw DogException.usage("Tag should not start with number.");
    }
    try {
      new SnapshotTag(tag);
    } catch (IllegalArgumentException e) {
      throw new DogException(ExitCode.USAGE, String.valueOf(e.getMessage()), e);
    }
    List<VdiInfo> snapshots =
        session.cluster().vdis().list().stream()
            .filter(vdi -> vdi.isSnapshot())
            .filter(vdi -> names.isEmpty() || names.contains(vdi.name().value()))
            .toList();
    if (snapshots.isEmpty()) {
      throw DogException.failure(
          "There is nothing to save: only snapshots are, and there are none"
              + (names.isEmpty() ? "" : " of these virtual disks")
              + ". Take them with 'dog vdi snapshot'");
    }
    SnapshotArchive archive = SnapshotArchive.create(VdiImport.path(path));
    if (archive.find(tag) != null) {
      throw new DogException(
          ExitCode.SYSTEM,
          "Snapshot tag has already been used for another snapshot, please, use another one.");
    }
    save(session, archive, objects(session, snapshots));
    return ExitCode.SUCCESS;
  }

  /** Every object once, with the VDI that says how it is stored. */
  private static Map<ObjectId, VdiInfo> objects(Session session, List<VdiInfo> snapshots)
      throws SheepException {
    Map<ObjectId, VdiInfo> oids = new TreeMap<>();
    ObjectStore store = session.cluster().objects();
    for (VdiInfo vdi : snapshots) {
      ObjectId inode = ObjectId.inode(vdi.vid());
      oids.put(inode, vdi);
      ObjectMap.read(store, vdi).objects().forEach(oid -> oids.put(oid, vdi));
      ByteBuffer bytes = ByteBuffer.allocate(InodeLayout.HEADER_BYTES);
      store.read(inode, 0, bytes);
      long vmStateBytes = InodeHeader.decode(bytes.flip()).vmStateSize();
      for (int index = 0; (long) index << vdi.blockSizeShift() < vmStateBytes; index++) {
        oids.put(ObjectId.of(ObjectId.Kind.VM_STATE, vdi.vid(), index), vdi);
      }
    }
    return oids;
  }

  private void save(Session session, SnapshotArchive archive, Map<ObjectId, VdiInfo> oids)
      throws IOException, DogException {
    List<SnapshotArchive.StoredObject> stored = new ArrayList<>();
    try (Progress progress =
        new Progress(session, "save " + tag, oids.size(), Progress.Unit.OBJECTS)) {
      for (Map.Entry<ObjectId, VdiInfo> entry : oids.entrySet()) {
        ObjectId oid = entry.getKey();
        VdiInfo vdi = entry.getValue();
        boolean inode = oid.kind() == ObjectId.Kind.INODE;
        byte[] bytes =
            new byte[inode ? InodeLayout.SIZE_BYTES : Math.toIntExact(vdi.objectSizeBytes())];
        session.cluster().objects().read(oid, 0, ByteBuffer.wrap(bytes));
        stored.add(archive.writeObject(oid, vdi.copies(), vdi.blockSizeShift(), bytes));
        progress.advance(1);
      }
    }
    ClusterInfo info = session.cluster().info();
    archive.append(
        tag,
        Instant.now().getEpochSecond(),
        new SnapshotArchive.Defaults(info.copies(), info.blockSizeShift()),
        stored);
  }
}
