package io.sheepfs.dog;

import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi object map}. */
@Command(name = "map", description = "Lists the objects of a virtual disk, with their owners.")
final class VdiObjectMap extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = SNAPSHOT)
  private @Nullable String snapshot;

  @Option(
      names = {"-i", "--index"},
      paramLabel = "INDEX",
      description = "only the object of this number")
  private @Nullable String index;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiObjectMap(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector selector = snapshot(snapshot);
    int only = index == null ? -1 : number(index, "index", 0, (1 << 20) - 1);
    VdiInfo vdi = session.find(vdiName, selector);
    ObjectMap map = ObjectMap.read(session.cluster().objects(), vdi);
    session.out().println("Index       VID");
    for (int i = 0; i < map.size(); i++) {
      if (map.owner(i) != 0 && (only < 0 || only == i)) {
        session.out().format(Locale.ROOT, "%08x %8x%n", i, map.owner(i));
      }
    }
    return ExitCode.SUCCESS;
  }
}
