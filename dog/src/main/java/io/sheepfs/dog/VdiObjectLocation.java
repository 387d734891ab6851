package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code dog vdi object location}. */
@Command(name = "location", description = "Shows which nodes have an object of a virtual disk.")
final class VdiObjectLocation extends DogCommand {

  @Mixin private final ObjectArgument argument = new ObjectArgument();

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  VdiObjectLocation(Environment environment) {
    super(environment);
  }

  /** Whether a node has the object; null if it could not tell, and why. */
  private record Look(NodeInfo node, @Nullable Boolean found, String answer) {}

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    ObjectArgument.Found object = argument.find(session);
    VdiInfo vdi = object.vdi();
    PrintStream out = session.out();
    ObjectId oid = object.oid();
    if (oid == null) {
      if (json) {
        new JsonArray(out).end();
      } else {
        out.println(object.notAllocated());
      }
      return ExitCode.SUCCESS;
    }
    Placement placement = new Placement(session.cluster().nodes());
    int nodes = placement.nodes().size();
    List<Look> looks = look(session, placement.nodes(), oid);
    if (json) {
      printJson(out, looks, placement.of(oid, vdi.copies()), oid);
      return ExitCode.SUCCESS;
    }
    out.println(
        object.isInode()
            ? "Looking for the inode object 0x" + vdi.vid() + " with " + nodes + " nodes"
            : "Looking for the object "
                + oid
                + " (vid 0x"
                + vdi.vid()
                + " idx "
                + object.index()
                + ", "
                + vdi.copies()
                + " copies) with "
                + nodes
                + " nodes");
    out.println();
    print(session, looks);
    printExpected(out, placement, oid, vdi.copies());
    return ExitCode.SUCCESS;
  }

  private static List<Look> look(Session session, List<NodeInfo> nodes, ObjectId oid) {
    List<Look> looks = new ArrayList<>();
    for (NodeInfo node : nodes) {
      try {
        Reply reply = session.sheep(node).ask(Opcode.EXIST, RequestFields.Obj.of(oid, 0), 0);
        looks.add(
            switch (reply.result()) {
              case SUCCESS -> new Look(node, true, "has the object");
              case NO_OBJ -> new Look(node, false, "doesn't have the object");
              default ->
                  new Look(node, null, "hit an unexpected error (" + reply.result().text() + ")");
            });
      } catch (SheepException e) {
        looks.add(new Look(node, null, "did not answer: " + e.getMessage()));
      }
    }
    return looks;
  }

  private static void print(Session session, List<Look> looks) {
    for (Look look : looks) {
      PrintStream stream = look.found() == null ? session.err() : session.out();
      stream.println(NodeList.endpoint(look.node()) + " " + look.answer());
    }
  }

  private static void printJson(
      PrintStream out, List<Look> looks, List<NodeInfo> expected, ObjectId oid) {
    JsonArray rows = new JsonArray(out);
    for (Look look : looks) {
      rows.add(
          new JsonObject()
              .put("oid", oid.toString())
              .put("node", NodeList.endpoint(look.node()))
              .put("found", Boolean.TRUE.equals(look.found()))
              .put("expected", expected.contains(look.node()))
              .putOrNull("error", look.found() == null ? look.answer() : null));
    }
    rows.end();
  }

  private static void printExpected(
      PrintStream out, Placement placement, ObjectId oid, int copies) {
    int nodes = placement.nodes().size();
    out.println();
    if (nodes < copies) {
      out.println(
          "Because number of nodes ("
              + nodes
              + ") is less than number of copies ("
              + copies
              + "), the object should be located at every nodes.");
      return;
    }
    out.println("According to sheepdog algorithm, the object should be located at:");
    out.println(
        placement.of(oid, copies).stream()
            .map(NodeList::endpoint)
            .collect(Collectors.joining(" ")));
  }
}
