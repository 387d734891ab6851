package io.sheepfs.dog;

import io.sheepfs.protocol.InodeHeader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog cluster snapshot show}. */
@Command(name = "show", description = "Lists the snapshots in a cluster snapshot.")
final class ClusterSnapshotShow extends DogCommand {

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  @Parameters(index = "0", paramLabel = "SNAPSHOT", description = "its tag or index")
  private String tag = "";

  @Parameters(index = "1", paramLabel = "PATH")
  private String path = "";

  @Parameters(index = "2..*", paramLabel = "NAME", description = "only of these virtual disks")
  private List<String> names = new ArrayList<>();

  ClusterSnapshotShow(Environment environment) {
    super(environment);
  }

  /** The cluster snapshot that the arguments name. */
  static SnapshotArchive.Entry require(SnapshotArchive archive, String tag)
      throws IOException, DogException {
    SnapshotArchive.Entry entry = archive.find(tag);
    if (entry == null) {
      throw new DogException(
          ExitCode.SYSTEM, "Snapshot index or tag does not exist: see 'dog cluster snapshot list'");
    }
    return entry;
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    SnapshotArchive archive = SnapshotArchive.open(VdiImport.path(path));
    JsonArray rows = new JsonArray(session.out());
    int row = 0;
    for (SnapshotArchive.StoredObject object : archive.objects(require(archive, tag))) {
      if (!object.isInode()) {
        continue;
      }
      InodeHeader header = SnapshotArchive.header(archive.readObject(object));
      String name = new String(header.name(), StandardCharsets.UTF_8);
      if (!names.isEmpty() && !names.contains(name)) {
        continue;
      }
      String vdiTag = new String(header.tag(), StandardCharsets.UTF_8);
      String vid = Integer.toHexString(header.vdiId());
      if (json) {
        rows.add(new JsonObject().put("vid", vid).put("name", name).put("tag", vdiTag));
      } else {
        session.out().println(++row + ". VDI id: " + vid + ", name: " + name + ", tag: " + vdiTag);
      }
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }
}
