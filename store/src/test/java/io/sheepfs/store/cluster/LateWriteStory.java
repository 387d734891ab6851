package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.store.sim.Sim;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.LongFunction;

/**
 * A gateway that is cut off has passed a write on; the client does it again over another sheep,
 * under another lease, and once more with something newer. Then the first one arrives.
 */
public final class LateWriteStory implements LongFunction<String> {

  private static final RequestFields SIZE_OF_VDI =
      new RequestFields.Vdi(64 << 20, 0, 2, 0, 0, 0, 0, 0);

  /** Plays it, with the small events as a seed says. */
  @Override
  public String apply(long seed) {
    long digest =
        Sim.run(
            seed,
            () -> {
              try {
                play();
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    return Long.toHexString(digest);
  }

  private static void play() throws IOException {
    SimCluster cluster = new SimCluster();
    SimCluster.Machine cutOff = cluster.startGateway();
    cluster.await("settled", () -> cluster.isSettled() && cutOff.isServing());
    SimWires wires = cluster.wires();
    SimWires.Pipe before = wires.connect("c", cutOff.address);
    SimWires.Pipe after = wires.connect("c", cluster.machines().get(1).address);
    ByteBuffer name = VdiNameRecord.of(new VdiName("late")).encode();
    VdiId vid = new VdiId(ask(after, Opcode.NEW_VDI, 0, SIZE_OF_VDI, name).vdi().vdiId());
    int first = lease(before, name);
    assertSuccess(ask(before, Opcode.CREATE_AND_WRITE_OBJ, vid, first, 1));
    for (SimCluster.Machine other : cluster.machines()) {
      wires.cut(cutOff.name, other.name);
      wires.cut(other.name, cutOff.name);
    }
    ResultCode[] late = new ResultCode[1];
    Sim.spawn(
        new Sim.Host("late"),
        "writer",
        () -> {
          try {
            late[0] = ask(before, Opcode.WRITE_OBJ, vid, first, 2).result();
          } catch (IOException e) {
            late[0] = ResultCode.NETWORK_ERROR;
          }
        });
    Sim.sleep(Duration.ofMillis(100));
    int second = lease(after, name);
    assertSuccess(ask(after, Opcode.WRITE_OBJ, vid, second, 2));
    assertSuccess(ask(after, Opcode.WRITE_OBJ, vid, second, 3));
    wires.mend();
    cluster.await("the late write is answered", () -> late[0] != null);
    ByteBuffer found = ByteBuffer.allocate(Long.BYTES);
    RequestFields at = RequestFields.Obj.of(ObjectId.data(vid, 0), 0);
    RequestHeader read = RequestHeader.of(Opcode.READ_OBJ, 0, found.remaining(), at);
    assertSuccess(after.exchange(read, null, found, SimCluster.SETTLING));
    if (found.getLong(0) != 3 || late[0] != ResultCode.VDI_NOT_LOCKED) {
      throw new AssertionError(found.getLong(0) + " is there; the late write: " + late[0]);
    }
  }

  private static ResponseHeader ask(
      SimWires.Pipe over, Opcode opcode, int flags, RequestFields fields, ByteBuffer body)
      throws IOException {
    int all = flags | RequestFlags.WRITE;
    RequestHeader header = RequestHeader.of(opcode, all, body.remaining(), fields);
    return over.exchange(header, body.duplicate(), null, SimCluster.SETTLING);
  }

  private static int lease(SimWires.Pipe over, ByteBuffer name) throws IOException {
    RequestFields holder = new RequestFields.Vdi(0, 7, 0, 0, 0, 0, 0, 0);
    ResponseHeader answer = ask(over, Opcode.LOCK_VDI, RequestFlags.LEASE, holder, name);
    assertSuccess(answer);
    return answer.vdi().attributeId();
  }

  private static ResponseHeader ask(
      SimWires.Pipe over, Opcode opcode, VdiId vid, int generation, long value) throws IOException {
    RequestFields at =
        new RequestFields.Obj(ObjectId.data(vid, 0).value(), 0, 0, 0, 0, generation, 0);
    return ask(over, opcode, RequestFlags.LEASE, at, ByteBuffer.allocate(8).putLong(0, value));
  }

  private static void assertSuccess(ResponseHeader answer) {
    if (answer.result() != ResultCode.SUCCESS) {
      throw new AssertionError(answer);
    }
  }
}
