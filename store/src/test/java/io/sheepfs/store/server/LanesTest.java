package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.store.server.Lanes.Lane;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Who waits for whom: never one of a lane for another of the same. */
final class LanesTest {

  private static final int RECOVERY = RequestFlags.RECOVERY;
  private static final int FORWARD = RequestFlags.FORWARD;

  private final Lanes lanes = Lanes.of(ServerOptions.DEFAULTS, true);

  @AfterEach
  void close() {
    lanes.close();
  }

  private Lane lane(Opcode opcode, int flags) {
    return lanes.of(RequestHeader.of(opcode, flags, 0, new RequestFields.None()));
  }

  @Test
  void requests_thatWaitForEachOther_haveLanesOfTheirOwn() {
    Lane client = lane(Opcode.WRITE_OBJ, 0);
    Lane passedOn = lane(Opcode.WRITE_OBJ, FORWARD);
    Lane peer = lane(Opcode.WRITE_PEER, 0);
    Lane donor = lane(Opcode.READ_PEER, RECOVERY);
    Lane life = lane(Opcode.GET_NODE_LIST, 0);
    List<Lane> all = List.of(client, passedOn, peer, donor, life);
    for (int i = 0; i < all.size(); i++) {
      for (int j = 0; j < i; j++) {
        assertNotSame(all.get(i).workers(), all.get(j).workers());
        assertNotSame(all.get(i).budget(), all.get(j).budget());
      }
    }
    assertSame(client, lane(Opcode.LOCK_VDI, 0));
    assertSame(passedOn, lane(Opcode.LOCK_VDI, FORWARD));
  }

  @Test
  void repairOfAReplica_byAClient_byTheLeader_onANode() {
    assertSame(lane(Opcode.READ_OBJ, 0), lane(Opcode.REPAIR_REPLICA, 0));
    assertSame(lane(Opcode.READ_OBJ, FORWARD), lane(Opcode.REPAIR_REPLICA, FORWARD));
    assertSame(lane(Opcode.WRITE_PEER, 0), lane(Opcode.REPAIR_REPLICA, RECOVERY));
  }

  @Test
  void lane_fullOfRequests_holdsUpNoOther() throws InterruptedException {
    CountDownLatch end = new CountDownLatch(1);
    try {
      Lane full = lane(Opcode.WRITE_OBJ, 0);
      for (int i = 0; i < 2 * ServerOptions.DEFAULTS.workers(); i++) {
        full.workers()
            .execute(
                () -> {
                  try {
                    end.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
      }
      assertTrue(full.budget().tryTake(ServerOptions.DEFAULTS.maxBodyBytes(), () -> {}));
      Lane passedOn = lane(Opcode.WRITE_OBJ, FORWARD);
      assertTrue(passedOn.budget().tryTake(ServerOptions.DEFAULTS.maxBodyBytes(), () -> {}));
      CountDownLatch carriedOut = new CountDownLatch(1);
      passedOn.workers().execute(carriedOut::countDown);
      assertTrue(carriedOut.await(60, TimeUnit.SECONDS));
    } finally {
      end.countDown();
    }
  }
}
