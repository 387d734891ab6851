package io.sheepfs.dog;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.SheepException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code dog node vnodes set}. */
@Command(name = "set", description = "Sets the share of a node in a cluster of fixed vnodes.")
final class NodeVnodesSet extends DogCommand {

  private static final int MOST_VNODES = 0xFFFF;

  /** The original's dog sends as many bytes as its pointers have, and its sheep wants no fewer. */
  private static final int BODY_BYTES = 8;

  @Parameters(paramLabel = "VNODES", description = "points on the ring, 1 to 65535")
  private String vnodes = "";

  NodeVnodesSet(Environment environment) {
    super(environment);
  }

  @Override
  ExitCode run(Session session) throws SheepException, DogException {
    int number = number(vnodes, "number of vnodes", 1, MOST_VNODES);
    ByteBuffer body = ByteBuffer.allocate(BODY_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    session
        .sheep()
        .send(Opcode.SET_VNODES, 0, new RequestFields.None(), body.putInt(0, number))
        .orThrow("set the number of vnodes");
    return ExitCode.SUCCESS;
  }
}
