package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiInfo;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog node info}. */
@Command(name = "info", description = "Shows the disk space of the nodes.")
final class NodeInfoCommand extends DogCommand {

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  NodeInfoCommand(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    List<NodeInfo> nodes = session.cluster().nodes();
    long virtualBytes = 0;
    for (VdiInfo vdi : session.cluster().vdis().list()) {
      virtualBytes += vdi.isSnapshot() ? 0 : vdi.sizeBytes();
    }
    JsonArray rows = new JsonArray(session.out());
    if (!raw && !json) {
      session.out().println("Id\tSize\tUsed\tAvail\tUse%");
    }
    Space total = new Space(0, 0);
    ExitCode exitCode = ExitCode.SUCCESS;
    for (int id = 0; id < nodes.size(); id++) {
      Space space;
      try {
        space = space(session.sheep(nodes.get(id)));
      } catch (SheepException e) {
        session.err().println("Node " + id + ": " + e.getMessage());
        exitCode = ExitCode.SYSTEM;
        continue;
      }
      total = total.plus(space);
      if (json) {
        rows.add(
            new JsonObject()
                .put("id", id)
                .put("size", space.totalBytes())
                .put("used", space.usedBytes())
                .put("available", space.freeBytes()));
      } else {
        session
            .out()
            .println(raw ? id + " " + row(space) : (id < 10 ? " " : "") + id + "\t" + row(space));
      }
    }
    if (json) {
      rows.end();
    } else if (raw) {
      session.out().println("Total " + row(total) + " " + virtualBytes);
    } else {
      session.out().println("Total\t" + row(total));
      session.out().println("\nTotal virtual image size\t" + ByteSize.human(virtualBytes));
    }
    return exitCode;
  }

  /** The disk space of one node. */
  private static Space space(Sheep sheep) throws SheepException {
    ResponseFields.Node answer =
        sheep
            .ask(Opcode.STAT_SHEEP, new RequestFields.None(), 0)
            .orThrow("ask for the disk space")
            .header()
            .node();
    return new Space(answer.storeSize(), answer.storeFree());
  }

  private String row(Space space) {
    return columns(space, raw);
  }

  /** Size, used, available and the share that is used. */
  static String columns(Space space, boolean raw) {
    long percent = space.totalBytes() == 0 ? 0 : space.usedBytes() * 100 / space.totalBytes();
    String separator = raw ? " " : "\t";
    String share = Long.toString(percent);
    return ByteSize.show(space.totalBytes(), raw)
        + separator
        + ByteSize.show(space.usedBytes(), raw)
        + separator
        + ByteSize.show(space.freeBytes(), raw)
        + separator
        + (raw ? "" : " ".repeat(3 - share.length()))
        + share
        + "%";
  }
}
