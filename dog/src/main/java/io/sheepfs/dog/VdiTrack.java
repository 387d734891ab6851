package io.sheepfs.dog;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code dog vdi track}: where an object was to be in each epoch, newest first. */
@Command(name = "track", description = "Shows where an object had to be in each epoch.")
final class VdiTrack extends DogCommand {

  @Mixin private final ObjectArgument argument = new ObjectArgument();

  @Option(
      names = {"-o", "--oid"},
      paramLabel = "OID",
      description = "an object by its id, in hexadecimal")
  private @Nullable String oid;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  VdiTrack(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    ObjectId given = oid == null ? null : objectId(oid);
    ObjectArgument.Found found = argument.find(session);
    VdiInfo vdi = found.vdi();
    ObjectId object = given == null ? found.oid() : given;
    if (object == null) {
      throw DogException.failure(found.notAllocated());
    }
    List<ClusterInfo.Epoch> epochs = session.cluster().info().epochs();
    if (json) {
      printJson(session.out(), epochs, object, vdi.copies());
      return ExitCode.SUCCESS;
    }
    session
        .out()
        .println(
            "Tracking the "
                + what(found, given)
                + " with "
                + session.cluster().nodes().size()
                + " nodes");
    for (ClusterInfo.Epoch epoch : epochs) {
      session
          .out()
          .println(
              "\nobj "
                  + object
                  + " locations at epoch "
                  + epoch.number()
                  + ", copies = "
                  + vdi.copies());
      session.out().println("-".repeat(51));
      for (NodeInfo node : places(epoch, object, vdi.copies())) {
        session.out().println(NodeList.endpoint(node));
      }
    }
    return ExitCode.SUCCESS;
  }

  private static String what(ObjectArgument.Found found, @Nullable ObjectId given) {
    String vid = "0x" + found.vdi().vid();
    if (given != null) {
      return "object " + given + " (the inode vid " + vid + ")";
    }
    return found.isInode()
        ? "inode object " + vid
        : "object " + found.oid() + " (the inode vid " + vid + " idx " + found.index() + ")";
  }

  private static List<NodeInfo> places(ClusterInfo.Epoch epoch, ObjectId oid, int copies) {
    return epoch.members().size() < copies
        ? epoch.members()
        : new Placement(epoch.members()).of(oid, copies);
  }

  private static void printJson(
      PrintStream out, List<ClusterInfo.Epoch> epochs, ObjectId oid, int copies) {
    JsonArray rows = new JsonArray(out);
    for (ClusterInfo.Epoch epoch : epochs) {
      rows.add(
          new JsonObject()
              .put("oid", oid.toString())
              .put("epoch", epoch.number())
              .put(
                  "nodes",
                  places(epoch, oid, copies).stream()
                      .map(node -> new JsonObject().put("node", NodeList.endpoint(node)))
                      .toList()));
    }
    rows.end();
  }
}
