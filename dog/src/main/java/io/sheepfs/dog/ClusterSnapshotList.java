package io.sheepfs.dog;

import java.io.IOException;
import java.time.Instant;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog cluster snapshot list}. */
@Command(name = "list", description = "Lists the cluster snapshots in a directory.")
final class ClusterSnapshotList extends DogCommand {

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  @Parameters(paramLabel = "PATH")
  private String path = "";

  ClusterSnapshotList(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    SnapshotArchive archive = SnapshotArchive.open(VdiImport.path(path));
    JsonArray rows = new JsonArray(session.out());
    if (!json) {
      session.out().println("Index\t\tTag\t\tSnapshot Time");
    }
    for (SnapshotArchive.Entry entry : archive.entries()) {
      if (json) {
        rows.add(
            new JsonObject()
                .put("index", entry.index())
                .put("tag", entry.tag())
                .put("time", entry.seconds()));
      } else {
        LocalTime time =
            new LocalTime(Instant.ofEpochSecond(entry.seconds()), session.environment().zone());
        session.out().println(entry.index() + "\t\t" + entry.tag() + "\t\t" + time.toCtime());
      }
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }
}
