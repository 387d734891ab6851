package io.sheepfs.dog;

import io.sheepfs.protocol.NodeId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiStateRecord;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Who has which VDI locked, as the node that was asked knows it. */
final class VdiLocks {

  private static final int USUAL_VDIS = 512;
  private static final int MOST_VDIS = 1 << 15;

  /** Shared locks are of type 1, those of one owner of type 0. */
  private static final int SHARED_TYPE = 1;

  private VdiLocks() {}

  /** The locked VDIs, by id. */
  static Map<VdiId, VdiStateRecord> read(Session session) throws SheepException {
    int room = USUAL_VDIS;
    Reply reply = ask(session, room);
    while (reply.result() == ResultCode.BUFFER_SMALL && room < MOST_VDIS) {
      room *= 2;
      reply = ask(session, room);
    }
    ByteBuffer body = reply.orThrow("ask for the locks").body();
    Map<VdiId, VdiStateRecord> locks = new TreeMap<>();
    while (body.remaining() >= VdiStateRecord.SIZE_BYTES) {
      VdiStateRecord state = VdiStateRecord.decode(body, Opcode.INTERNAL_VERSION);
      if (state.lockState() == VdiStateRecord.LOCKED
          || state.lockState() == VdiStateRecord.SHARED) {
        locks.put(new VdiId(state.vid()), state);
      }
    }
    return locks;
  }

  private static Reply ask(Session session, int room) throws SheepException {
    return session
        .sheep()
        .ask(
            Opcode.GET_VDI_COPIES,
            new RequestFields.None(),
            Math.multiplyExact(room, VdiStateRecord.SIZE_BYTES));
  }

  /** The nodes that hold a lock. */
  static List<NodeId> owners(VdiStateRecord state) {
    return state.lockState() == VdiStateRecord.SHARED
        ? state.participants().stream().map(VdiStateRecord.Participant::node).toList()
        : List.of(state.lockOwner());
  }

  /** Takes a lock from whoever has it. */
  static void release(Session session, VdiStateRecord state) throws SheepException {
    int type = state.lockState() == VdiStateRecord.SHARED ? SHARED_TYPE : 0;
    session
        .sheep()
        .ask(Opcode.RELEASE_VDI, new RequestFields.Vdi(0, state.vid(), 0, 0, 0, 0, 0, type), 0)
        .orThrow("unlock VDI " + Integer.toHexString(state.vid()));
  }
}
