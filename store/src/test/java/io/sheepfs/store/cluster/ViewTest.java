package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** When a node that catches up can go on in the next epoch with what it has got in the last. */
final class ViewTest {

  private static View view(int epoch, int since, Losses losses) {
    List<Member> members = List.of(member(0, State.SYNCED, 1), member(1, State.SYNCING, since));
    return new View(
        new Layout(1, 0, 2, 22, "plain"),
        new Epoch(epoch, Instant.EPOCH, members, Map.of(), losses),
        "n1");
  }

  private static Member member(int number, State state, int since) {
    NodeInfo info = new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, 128, number, 1);
    return new Member("n" + number, state, since, "i" + number, Seat.of(info));
  }

  @Test
  void nextEpoch_continues() {
    assertTrue(view(6, 4, Losses.NONE).continues(view(5, 4, Losses.NONE)));
  }

  @Test
  void nodeThatWasAwayMeanwhile_beginsAnew() {
    assertFalse(view(6, 6, Losses.NONE).continues(view(5, 4, Losses.NONE)));
  }

  /** What it got from the one that was up to date may be what that one has lost. */
  @Test
  void somethingMayBeLost_beginsAnew() {
    assertFalse(view(6, 4, Losses.NONE.with(1, 6)).continues(view(5, 4, Losses.NONE)));
  }
}
