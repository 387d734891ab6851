package io.sheepfs.dog;

import io.sheepfs.protocol.NodeStat;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import java.io.IOException;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code dog node stat}. The original prints reads under the heading of writes, and the other way
 * round. We put them right for people; the columns of the raw output, which have no headings, stay
 * where they are: reads, then writes.
 */
@Command(name = "stat", description = "Shows what a node has done since it was started.")
final class NodeStatCommand extends DogCommand {

  @Option(
      names = {"-r", "--raw"},
      description = RAW)
  private boolean raw;

  NodeStatCommand(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws IOException, DogException {
    NodeStat stat =
        NodeStat.decode(
            session
                .sheep()
                .ask(Opcode.STAT, new RequestFields.None(), NodeStat.SIZE_BYTES)
                .orThrow("ask for the counters")
                .body());
    if (!raw) {
      session.out().println("Request\tActive\tTotal\tWrite\tRead\tRemove\tFlush\tAll WR\tAll RD");
    }
    session
        .out()
        .println(
            row(
                "Client",
                stat.gatewayReceivedBytes(),
                stat.gatewaySentBytes(),
                stat.gatewayActive(),
                stat.gatewayTotal(),
                raw ? stat.gatewayReads() : stat.gatewayWrites(),
                raw ? stat.gatewayWrites() : stat.gatewayReads(),
                stat.gatewayRemoves(),
                stat.gatewayFlushes()));
    session
        .out()
        .println(
            row(
                "Peer",
                stat.peerReceivedBytes(),
                stat.peerSentBytes(),
                stat.peerActive(),
                stat.peerTotal(),
                raw ? stat.peerReads() : stat.peerWrites(),
                raw ? stat.peerWrites() : stat.peerReads(),
                stat.peerRemoves(),
                0));
    return ExitCode.SUCCESS;
  }

  private String row(String who, long writtenBytes, long readBytes, long... counters) {
    return (raw ? "" : who + "\t")
        + LongStream.of(counters).mapToObj(Long::toString).collect(Collectors.joining("\t"))
        + "\t"
        + ByteSize.show(writtenBytes, raw)
        + "\t"
        + ByteSize.show(readBytes, raw);
  }
}
