package io.sheepfs.dog;

import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code dog vdi object map}. */
@Command(name = "map", description = "Lists the objects of a virtual disk, with their owners.")
final class VdiObjectMap extends DogCommand {

  @Mixin private final VdiArgument argument = new VdiArgument();

  @Option(
      names = {"-i", "--index"},
      paramLabel = "INDEX",
      description = "only the object of this number")
  private @Nullable String index;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  VdiObjectMap(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    int only = index == null ? -1 : objectIndex(index);
    VdiInfo vdi = argument.find(session);
    session.cluster().objects().flush(vdi.vid());
    ObjectMap map = ObjectMap.read(session.cluster().objects(), vdi);
    JsonArray rows = new JsonArray(session.out());
    if (!json) {
      session.out().println("Index       VID");
    }
    for (int i = Math.max(only, 0); i < (only < 0 ? map.size() : only + 1); i++) {
      int owner = i < map.size() ? map.owner(i) : 0;
      if (json && owner != 0) {
        rows.add(new JsonObject().put("index", i).put("vid", Integer.toHexString(owner)));
      } else if (!json && (owner != 0 || only >= 0)) {
        session.out().format(Locale.ROOT, "%08d %8x%n", i, owner);
      }
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }
}
