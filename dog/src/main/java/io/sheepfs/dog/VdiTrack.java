package io.sheepfs.dog;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiName;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code dog vdi track}: where an object was to be in each epoch, newest first. */
@Command(name = "track", description = "Shows where an object had to be in each epoch.")
final class VdiTrack extends DogCommand {

  @Option(
      names = {"-s", "--snapshot"},
      paramLabel = "SNAPSHOT",
      description = SNAPSHOT)
  private @Nullable String snapshot;

  @Option(
      names = {"-i", "--index"},
      paramLabel = "INDEX",
      description = "the number of a data object (default: the inode)")
  private @Nullable String index;

  @Option(
      names = {"-o", "--oid"},
      paramLabel = "OID",
      description = "an object by its id, in hexadecimal")
  private @Nullable String oid;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  @Parameters(paramLabel = "NAME")
  private String name = "";

  VdiTrack(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    VdiName vdiName = name(name);
    SnapshotSelector selector = snapshot(snapshot);
    int wanted = index == null ? -1 : objectIndex(index);
    ObjectId object = oid == null ? null : objectId(oid);
    VdiInfo vdi = session.find(vdiName, selector);
    session.cluster().objects().flush(vdi.vid());
    String what = "(the inode vid 0x" + vdi.vid() + ")";
    if (object == null && wanted < 0) {
      object = ObjectId.inode(vdi.vid());
      what = "";
    } else if (object == null) {
      ObjectMap map = ObjectMap.read(session.cluster().objects(), vdi);
      if (wanted >= map.size() || map.owner(wanted) == 0) {
        throw DogException.failure(
            "The inode object 0x" + vdi.vid() + " idx " + wanted + " is not allocated");
      }
      object = map.object(wanted);
      what = "(the inode vid 0x" + vdi.vid() + " idx " + wanted + ")";
    }
    List<ClusterInfo.Epoch> epochs = session.cluster().info().epochs();
    if (json) {
      printJson(session.out(), epochs, object, vdi.copies());
      return ExitCode.SUCCESS;
    }
    session
        .out()
        .println(
            (what.isEmpty()
                    ? "Tracking the inode object 0x" + vdi.vid()
                    : "Tracking the object " + object + " " + what)
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
