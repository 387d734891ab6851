package io.sheepfs.dog;

import io.sheepfs.protocol.DiskList;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import java.io.IOException;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code dog node md info}. */
@Command(name = "info", description = "Shows the disks of a node.")
final class NodeMdInfo extends DogCommand {

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"-A", "--all"},
      description = "of all nodes")
  private boolean all;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  NodeMdInfo(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    JsonArray rows = new JsonArray(session.out());
    if (!raw && !json) {
      session.out().println("Id\tSize\tUsed\tAvail\tUse%\tPath");
    }
    if (!all) {
      print(session, rows, session.sheep(), endpoint());
    } else {
      printAll(session, rows);
    }
    if (json) {
      rows.end();
    }
    return ExitCode.SUCCESS;
  }

  private void printAll(Session session, JsonArray rows) throws SheepException {
    List<NodeInfo> nodes = session.cluster().nodes();
    for (int id = 0; id < nodes.size(); id++) {
      if (!raw && !json) {
        session.out().println("Node " + id + ":");
      }
      print(session, rows, session.sheep(nodes.get(id)), NodeList.endpoint(nodes.get(id)));
    }
  }

  private void print(Session session, JsonArray rows, Sheep sheep, String endpoint)
      throws SheepException {
    Reply reply = sheep.ask(Opcode.MD_INFO, new RequestFields.None(), DiskList.SIZE_BYTES);
    for (DiskList.Disk disk : DiskList.decode(reply.orThrow("ask for the disks").body()).disks()) {
      Space space = new Space(disk.freeBytes() + disk.usedBytes(), disk.freeBytes());
      if (json) {
        rows.add(
            new JsonObject()
                .put("node", endpoint)
                .put("id", disk.index())
                .put("path", disk.path())
                .put("size", space.totalBytes())
                .put("used", disk.usedBytes())
                .put("free", disk.freeBytes()));
        continue;
      }
      String columns = NodeInfoCommand.columns(space, raw);
      session
          .out()
          .println(
              raw
                  ? endpoint + " " + disk.index() + " " + columns + " " + disk.path()
                  : (disk.index() < 10 ? " " : "")
                      + disk.index()
                      + "\t"
                      + columns
                      + "\t"
                      + disk.path());
    }
  }
}
