package io.sheepfs.dog;

import io.sheepfs.protocol.NodeStat;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import java.io.PrintStream;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code dog node stat}. Without {@code -w} the original prints reads under the heading of writes,
 * and the other way round. We put them right for people; the columns of the raw output, which have
 * no headings, stay where they are.
 */
@Command(name = "stat", description = "Shows what a node has done since it was started.")
final class NodeStatCommand extends DogCommand {

  private static final Duration STEP = Duration.ofSeconds(1);
  private static final String HEADER =
      "Request\tActive\tTotal\tWrite\tRead\tRemove\tFlush\tAll WR\tAll RD";

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  @Option(
      names = {"--json"},
      description = JSON)
  private boolean json;

  @Option(
      names = {"-w", "--watch"},
      description = "again every second, with what came since")
  private boolean watch;

  NodeStatCommand(Environment environment) {
    super(environment);
  }

  /** The requests of clients, or of other nodes. */
  private record Side(
      long active,
      long total,
      long reads,
      long writes,
      long removes,
      long flushes,
      long received,
      long sent) {

    static Side clients(NodeStat stat) {
      return new Side(
          stat.gatewayActive(),
          stat.gatewayTotal(),
          stat.gatewayReads(),
          stat.gatewayWrites(),
          stat.gatewayRemoves(),
          stat.gatewayFlushes(),
          stat.gatewayReceivedBytes(),
          stat.gatewaySentBytes());
    }

    static Side peers(NodeStat stat) {
      return new Side(
          stat.peerActive(),
          stat.peerTotal(),
          stat.peerReads(),
          stat.peerWrites(),
          stat.peerRemoves(),
          0,
          stat.peerReceivedBytes(),
          stat.peerSentBytes());
    }
  }

  @Override
  ExitCode run(Session session) throws SheepException {
    NodeStat last = read(session);
    if (!watch) {
      print(session.out(), last, null);
      return ExitCode.SUCCESS;
    }
    NodeStat now = last;
    do {
      print(session.out(), now, last);
      session.out().flush();
      last = now;
      if (session.out().checkError() || !session.environment().pause().await(STEP)) {
        return ExitCode.SUCCESS;
      }
      now = read(session);
    } while (true);
  }

  private static NodeStat read(Session session) throws SheepException {
    return NodeStat.decode(
        session
            .sheep()
            .ask(Opcode.STAT, new RequestFields.None(), NodeStat.SIZE_BYTES)
            .orThrow("ask for the counters")
            .body());
  }

  private void print(PrintStream out, NodeStat stat, @Nullable NodeStat last) {
    Side clients = Side.clients(stat);
    Side peers = Side.peers(stat);
    if (json) {
      out.println(
          new JsonObject().put("clients", object(clients)).put("peers", object(peers)).toString());
      return;
    }
    if (!raw) {
      out.println(HEADER + (last == null ? "" : "\tWRBW\tRDBW\tRPS"));
    }
    out.println(row("Client", clients, last == null ? null : Side.clients(last)));
    out.println(row("Peer", peers, last == null ? null : Side.peers(last)));
  }

  private static JsonObject object(Side side) {
    return new JsonObject()
        .put("active", side.active())
        .put("total", side.total())
        .put("reads", side.reads())
        .put("writes", side.writes())
        .put("removes", side.removes())
        .put("flushes", side.flushes())
        .put("bytes_written", side.received())
        .put("bytes_read", side.sent());
  }

  private String row(String who, Side side, @Nullable Side last) {
    boolean swapped = raw && last == null;
    String row =
        (raw ? "" : who + "\t")
            + side.active()
            + "\t"
            + side.total()
            + "\t"
            + (swapped ? side.reads() : side.writes())
            + "\t"
            + (swapped ? side.writes() : side.reads())
            + "\t"
            + side.removes()
            + "\t"
            + side.flushes()
            + "\t"
            + ByteSize.show(side.received(), raw)
            + "\t"
            + ByteSize.show(side.sent(), raw);
    return last == null
        ? row
        : row
            + "\t"
            + ByteSize.show(side.received() - last.received(), raw)
            + "\t"
            + ByteSize.show(side.sent() - last.sent(), raw)
            + "\t"
            + (side.total() - last.total());
  }
}
