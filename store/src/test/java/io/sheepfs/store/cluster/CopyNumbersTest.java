package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.ObjectFiles;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whom a node believes that says how many copies a VDI has. */
final class CopyNumbersTest {

  private static final int EPOCH = 9;
  private static final VdiId VID = OtherInodes.VID;
  private static final ObjectId DATA = ObjectId.data(VID, 3);

  private final OtherInodes others = new OtherInodes();
  private ObjectFiles files;
  private CopyNumbers numbers;

  @BeforeEach
  void open(@TempDir Path directory) {
    files = new ObjectFiles(directory, new Disk(directory, (change, path) -> {}), 4);
    numbers = new CopyNumbers(files, new PeerCalls(others, others));
  }

  @AfterEach
  void close() {
    files.close();
  }

  private void writeInode(int copies) throws SheepException {
    ByteBuffer inode = OtherInodes.inode(copies);
    files.create(ObjectId.inode(VID), 0, inode, Durability.UNSTABLE);
  }

  /** Of node 1, beside 0, which leads, and 2, which is SYNCED, too. */
  private static View view(State state) {
    return view(member(0, State.SYNCED, 1), member(1, state, 2), member(2, State.SYNCED, 3));
  }

  /** Of node 1, which leads, beside others that are SYNCED. */
  private static View leader(int... others) {
    List<Member> members = new ArrayList<>(List.of(member(1, State.SYNCED, 1)));
    for (int other : others) {
      members.add(member(other, State.SYNCED, 2));
    }
    return view(members.toArray(Member[]::new));
  }

  private static View view(Member... all) {
    List<Member> members = List.of(all);
    Layout layout = new Layout(1, 0, members.size(), 22, "plain");
    return new View(layout, new Epoch(EPOCH, Instant.EPOCH, members), "n1");
  }

  private static Member member(int node, State state, int since) {
    NodeInfo info = new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + node, 128, node, 1);
    return new Member("n" + node, state, since, "i" + node, Seat.of(info));
  }

  private void othersSay(int first, int second) {
    others.say(7000, first);
    others.say(7002, second);
  }

  @Test
  void of_inodeThatADiskHasChanged_believesThoseThatAreSynced() throws SheepException {
    writeInode(3);
    othersSay(1, 1);
    View view = view(State.SYNCING);
    assertEquals(1, numbers.of(view, DATA));
    assertTrue(numbers.isConfirmed(view, DATA));
    assertEquals(2, others.asked(), "each, and no more");
  }

  @Test
  void of_inodeThatTheDiskOfAnotherHasChanged_believesItsOwn() throws SheepException {
    writeInode(1);
    othersSay(3, 1);
    assertEquals(1, numbers.of(view(State.SYNCING), DATA));
  }

  @Test
  void of_inodeThatIsNotHereYet_believesThoseThatAreSynced() throws SheepException {
    othersSay(2, 2);
    assertEquals(2, numbers.of(view(State.SYNCING), DATA));
  }

  @Test
  void of_inodeThatADiskCannotRead_believesTheNext() throws SheepException {
    writeInode(3);
    others.say(7002, 1);
    others.cannotRead(7000);
    View view = view(State.SYNCING);
    assertEquals(1, numbers.of(view, DATA));
    assertTrue(numbers.isConfirmed(view, DATA));
  }

  @Test
  void of_inodeThatNoDiskCanRead_isUnknown() throws SheepException {
    writeInode(3);
    others.cannotRead(7000);
    others.cannotRead(7002);
    SheepException e =
        assertThrows(SheepException.class, () -> numbers.of(view(State.SYNCING), DATA));
    assertEquals(ResultCode.EIO, e.result());
  }

  @Test
  void isConfirmed_byAnInodeThatReadsAsZeros_isNot() throws SheepException {
    writeInode(3); // as many as an inode means that says zero
    others.hasZeros(7000);
    others.hasZeros(7002);
    assertFalse(numbers.isConfirmed(view(State.SYNCED), DATA));
  }

  /** It would have objects put where they should not be. */
  @Test
  void of_synced_ownInodeReadsAsZeros_believesAnother() throws SheepException {
    files.create(ObjectId.inode(VID), 0, ByteBuffer.allocate(512), Durability.UNSTABLE);
    assertEquals(3, numbers.of(view(State.SYNCED), DATA), "as the cluster has it: nobody knows");
    others.hasZeros(7000);
    others.say(7002, 1);
    assertEquals(1, numbers.of(view(State.SYNCED), DATA));
    assertEquals(1, numbers.of(leader(0, 2), DATA));
  }

  /** It cannot be confirmed, but it is all that there is. */
  @Test
  void of_inodesOfOthersReadAsZeros_believesItsOwn() throws SheepException {
    others.hasZeros(7000);
    others.hasZeros(7002);
    assertEquals(3, numbers.of(view(State.SYNCING), DATA), "as the cluster has it: nobody knows");
    writeInode(2);
    assertEquals(2, numbers.of(view(State.SYNCING), DATA));
    assertFalse(numbers.isConfirmed(view(State.SYNCING), DATA));
  }

  @Test
  void of_synced_asksNobody() throws SheepException {
    writeInode(1);
    assertEquals(1, numbers.of(view(State.SYNCED), DATA));
    assertEquals(0, others.asked());
  }

  @Test
  void of_leader_asksOnce() throws SheepException {
    writeInode(2);
    othersSay(2, 2);
    View view = leader(0, 2);
    assertEquals(2, numbers.of(view, DATA));
    assertEquals(2, numbers.of(view, DATA));
    assertEquals(1, others.asked());
  }

  @Test
  void of_leaderThatDidNotLeadBefore_asks() throws SheepException {
    writeInode(3);
    othersSay(1, 1);
    assertEquals(3, numbers.of(view(State.SYNCED), DATA));
    assertEquals(1, numbers.of(leader(0, 2), DATA));
  }

  @Test
  void of_leader_believesTwoOthersMoreThanItself_butNotOne() throws SheepException {
    writeInode(3);
    others.say(7000, 1);
    assertEquals(3, numbers.of(leader(0), DATA));
    assertEquals(3, numbers.of(leader(0, 2), DATA), "node 2 has no inode");
    others.say(7002, 2);
    assertEquals(3, numbers.of(leader(0, 2), DATA));
    others.say(7002, 1);
    assertEquals(1, numbers.of(leader(0, 2), DATA));
  }

  @Test
  void of_leaderWhoseDiskMadeItZero_believesOthers() throws SheepException {
    writeInode(0);
    othersSay(1, 1);
    assertEquals(1, numbers.of(leader(0, 2), DATA));
  }

  @Test
  void of_zeroEverywhere_isTheNumberOfTheCluster() throws SheepException {
    writeInode(0);
    othersSay(0, 0);
    assertEquals(3, numbers.of(leader(0, 2), DATA));
    assertTrue(numbers.isConfirmed(leader(0, 2), DATA));
  }

  @Test
  void of_leaderOfNodesThatCannotBeRead_believesItself() throws SheepException {
    writeInode(2);
    others.cannotRead(7000);
    others.cannotRead(7002);
    assertEquals(2, numbers.of(leader(0, 2), DATA));
  }

  @Test
  void isConfirmed_synced_onlyByAnotherThatSaysTheSame() throws SheepException {
    writeInode(1);
    othersSay(3, 3);
    assertFalse(numbers.isConfirmed(view(State.SYNCED), DATA));
    othersSay(3, 1);
    assertTrue(numbers.isConfirmed(view(State.SYNCED), DATA));
  }

  @Test
  void of_inodeThatWasReplaced_isReadAgain() throws SheepException {
    writeInode(3);
    View view = view(State.SYNCED);
    assertEquals(3, numbers.of(view, DATA));
    writeInode(1);
    numbers.changed(DATA);
    assertEquals(3, numbers.of(view, DATA), "another object of the VDI");
    numbers.changed(ObjectId.inode(VID));
    assertEquals(1, numbers.of(view, DATA));
  }
}
