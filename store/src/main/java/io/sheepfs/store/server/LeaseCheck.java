package io.sheepfs.store.server;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.store.SheepNode;
import io.sheepfs.store.vdi.Vdi;
import io.sheepfs.store.vdi.VdiLocks;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Stands before the handlers of changes: one that says whose lease it is made under is refused
 * unless that lease is held, and while it is under way nobody else gets the lock. So a client whose
 * lease ended cannot write any more, over whatever connection. Changes of others are not refused;
 * {@link StrangersWrites} takes note of them.
 */
final class LeaseCheck {

  private static final List<Opcode> CHANGES =
      List.of(Opcode.WRITE_OBJ, Opcode.CREATE_AND_WRITE_OBJ, Opcode.DISCARD_OBJ, Opcode.REMOVE_OBJ);

  private LeaseCheck() {}

  static void install(SheepNode sheep, Map<Opcode, Handler> handlers) {
    StrangersWrites strangers = new StrangersWrites(sheep);
    for (Opcode opcode : CHANGES) {
      handlers.computeIfPresent(opcode, (same, plain) -> checked(sheep, strangers, plain));
    }
  }

  private static Handler checked(SheepNode sheep, StrangersWrites strangers, Handler plain) {
    return request -> {
      RequestFields.Obj fields = request.header().obj();
      ObjectId oid = fields.objectId();
      if (!request.header().has(RequestFlags.LEASE)) {
        strangers.before(oid);
        try {
          return plain.answer(request);
        } finally {
          strangers.after(oid);
        }
      }
      VdiLocks locks = sheep.vdiStore().locks();
      VdiLocks.@Nullable Lock lease = locks.enter(oid.vid(), fields.targetEpoch());
      if (lease == null) {
        Vdi vdi = sheep.vdiStore().table().get(oid.vid());
        if (vdi != null && vdi.isSnapshot()) {
          return plain.answer(request); // it has followed the VDI; the writer is to do so, too
        }
        throw new SheepException(ResultCode.VDI_NOT_LOCKED, "change " + oid);
      }
      try {
        return plain.answer(request);
      } finally {
        locks.leave(lease);
      }
    };
  }
}
