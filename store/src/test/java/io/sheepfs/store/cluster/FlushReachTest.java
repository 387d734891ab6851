package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.ObjectFiles;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
final class FlushReachTest {

  private static final VdiId VID = new VdiId(0x123);
  private static final VdiId PARENT = new VdiId(0x77);

  private ObjectFiles files;
  private FlushReach reach;

  @BeforeEach
  void open(@TempDir Path directory) {
    files = new ObjectFiles(directory, new Disk(directory, (change, path) -> {}), 4);
    reach = new FlushReach(files);
  }

  @AfterEach
  void close() {
    files.close();
  }

  private static View view(State state, int since) {
    return new View(
        new Layout(1, 0, 3, 22, "plain"),
        new Epoch(
            9,
            Instant.EPOCH,
            List.of(
                member(0, State.SYNCED, 1), member(1, State.SYNCED, 1), member(2, state, since))),
        "n0");
  }

  private static Member member(int number, State state, int since) {
    NodeInfo node =
        new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + number, 128, number, 1L << 40);
    return new Member("n" + number, state, since, "i" + number, Seat.of(node));
  }

  /** An object whose only place is a node. */
  private static int objectOn(int node) {
    View view = view(State.SYNCED, 1);
    for (int i = 20_000; i < 21_000; i++) { // not in the first part of the index that is read
      if (view.places(ObjectId.data(VID, i), 1).get(0).member().storeId().equals("n" + node)) {
        return i;
      }
    }
    throw new AssertionError("nothing is on " + node);
  }

  private void makeInode(int index, VdiId owner) throws SheepException {
    int at = InodeLayout.indexOffset(index);
    ByteBuffer bytes = ByteBuffer.allocate(at + 4).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(at, owner.value());
    files.create(ObjectId.inode(VID), 0, bytes, Durability.UNSTABLE);
  }

  @Test
  void objectWithItsOnlyCopyOnANodeThatIsAway_isNotReached() throws SheepException {
    makeInode(objectOn(2), VID);
    View away = view(State.AWAY, 7);
    assertFalse(reach.isWhole(away, VID, 1));
    assertTrue(reach.isWhole(away, VID, 2), "there is another copy");
    assertTrue(reach.isWhole(view(State.SYNCING, 7), VID, 1), "it is there");
    assertTrue(reach.isWhole(view(State.SYNCED, 1), VID, 1));
    assertTrue(reach.isWhole(view(State.AWAY, Member.GIVEN_UP), VID, 1), "nobody waits for it");
  }

  @Test
  void isEnough_ifEachObjectHasAnotherCopyThatIsRight() {
    View all = view(State.SYNCED, 1);
    Set<View.Peer> one = Set.of(all.peer("n1"));
    assertFalse(FlushReach.isEnough(all, 1, one));
    assertTrue(FlushReach.isEnough(all, 2, one));
    assertFalse(FlushReach.isEnough(all, 2, Set.of(all.peer("n0"), all.peer("n1"))));
    View behind = view(State.SYNCING, 7);
    assertFalse(FlushReach.isEnough(behind, 2, Set.of(behind.peer("n1"))));
    assertTrue(FlushReach.isEnough(behind, 3, Set.of(behind.peer("n1"))));
    assertTrue(FlushReach.isEnough(behind, 2, Set.of(behind.peer("n2"))), "it did not count");
    assertFalse(FlushReach.isEnough(all, 9, Set.copyOf(all.all())), "nobody is left");
  }

  @Test
  void objectElsewhere_orOfAnother_isReached() throws SheepException {
    View away = view(State.AWAY, 7);
    assertTrue(reach.isWhole(away, VID, 1), "there is no inode");
    makeInode(objectOn(1), VID);
    assertTrue(reach.isWhole(away, VID, 1));
    makeInode(objectOn(2), PARENT);
    assertTrue(reach.isWhole(away, VID, 1));
    assertEquals(0, files.dataOf(VID).size());
  }
}
