package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.Follower.Held;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Whose inode all have after an outage. */
final class InodeAuthorityTest {

  private static View view(State... states) {
    List<Member> members =
        IntStream.range(0, states.length).mapToObj(i -> member(i, states[i])).toList();
    return new View(new Layout(1, 0, 3, 22, "plain"), new Epoch(9, Instant.EPOCH, members), "n0");
  }

  private static Member member(int node, State state) {
    NodeInfo info = new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + node, 128, node, 1);
    return new Member("n" + node, state, 1, "i" + node, Seat.of(info));
  }

  private static @Nullable String authority(View view, Held... held) throws IOException {
    List<View.Peer> places = view.all();
    View.Peer found = Follower.authority(places, place -> held[places.indexOf(place)]);
    return found == null ? null : found.member().storeId();
  }

  @Test
  void firstThatCanBeBelieved_isIt() throws IOException {
    View all = view(State.SYNCED, State.SYNCED, State.SYNCED);
    assertEquals("n0", authority(all, Held.SOUND, Held.SOUND, Held.SOUND));
    assertEquals("n1", authority(all, Held.DAMAGED, Held.SOUND, Held.SOUND));
    assertEquals("n2", authority(all, Held.DAMAGED, Held.DAMAGED, Held.SOUND));
  }

  /** Whose disk has lost it must not have the others remove it. */
  @Test
  void oneThatHasNone_isItOnlyIfNobodyHasAny() throws IOException {
    View all = view(State.SYNCED, State.SYNCED, State.SYNCED);
    assertEquals("n2", authority(all, Held.MISSING, Held.MISSING, Held.SOUND));
    assertEquals("n0", authority(all, Held.MISSING, Held.MISSING, Held.MISSING));
    assertNull(authority(all, Held.MISSING, Held.DAMAGED, Held.MISSING));
  }

  @Test
  void oneThatIsBehind_isNot() throws IOException {
    View some = view(State.SYNCING, State.SYNCED, State.SYNCED);
    assertEquals("n2", authority(some, Held.SOUND, Held.DAMAGED, Held.SOUND));
    assertNull(authority(some, Held.SOUND, Held.DAMAGED, Held.DAMAGED));
  }
}
