package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.io.IOException;
import java.net.InetAddress;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How many copies of its objects a node believes that others have, which lost a disk. */
final class DiskLossTest {

  private static final int OTHER = 7000;
  private static final int CLUSTER_COPIES = 3;

  private final OtherInodes others = new OtherInodes();

  private int fewestCopies() throws IOException {
    List<Member> members = List.of(member(0), member(1), member(2));
    Layout layout = new Layout(1, 0, CLUSTER_COPIES, 22, "plain");
    View view = new View(layout, new Epoch(9, Instant.EPOCH, members), "n1");
    return DiskLoss.fewestCopies(view, new PeerCalls(others, others));
  }

  private static Member member(int node) {
    NodeInfo info = new NodeInfo(InetAddress.getLoopbackAddress(), OTHER + node, 128, node, 1);
    return new Member("n" + node, State.SYNCED, 1, "i" + node, Seat.of(info));
  }

  @Test
  void fewestCopies_asTheInodeSays() throws IOException {
    others.say(OTHER, 2);
    assertEquals(2, fewestCopies());
    others.say(OTHER, 0);
    assertEquals(CLUSTER_COPIES, fewestCopies());
  }

  @Test
  void fewestCopies_ofAnInodeThatIsDamagedAtOne_areThoseThatAnotherSays() throws IOException {
    others.hasZeros(OTHER);
    others.say(OTHER + 2, 2);
    assertEquals(2, fewestCopies());
    others.cannotRead(OTHER);
    assertEquals(2, fewestCopies());
  }

  @Test
  void fewestCopies_ofWhatIsDeleted_areNotNeeded() throws IOException {
    others.sayDeleted(OTHER);
    assertEquals(Integer.MAX_VALUE, fewestCopies());
  }

  /** It may be that of a VDI with one copy. */
  @Test
  void fewestCopies_ofAnInodeThatReadsAsZeros_isOne() throws IOException {
    others.hasZeros(OTHER);
    assertEquals(1, fewestCopies());
  }
}
