package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.ObjectFiles;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a node drops that is elsewhere now, on a disk that refuses that for a while. */
@Timeout(60)
final class RecoveriesTest {

  private static final VdiId VID = OtherInodes.VID;

  /** Objects whose files the disk does not remove. */
  private final Set<ObjectId> stuck = ConcurrentHashMap.newKeySet();

  /** Those of which it was asked for that. */
  private final Set<ObjectId> tried = ConcurrentHashMap.newKeySet();

  private final OtherInodes others = new OtherInodes();
  private ObjectFiles files;
  private Replica replica;
  private Recoveries recoveries;

  @BeforeEach
  void open(@TempDir Path directory) throws SheepException {
    files = new ObjectFiles(directory, new Disk(directory, this::beforeChange), 4);
    others.say(7000, 1);
    PeerCalls peers = new PeerCalls(others, others);
    replica = new Replica(files, peers, () -> new Space(1L << 40, 1L << 40));
    recoveries =
        new Recoveries(
            (epoch, incarnation) -> {
              throw new AssertionError("it is not behind");
            },
            replica,
            peers,
            () -> false);
    files.create(ObjectId.inode(VID), 0, OtherInodes.inode(0), Durability.UNSTABLE);
  }

  @AfterEach
  void close() {
    recoveries.close();
    files.close();
  }

  private void beforeChange(Disk.Change change, Path path) throws IOException {
    if (change == Disk.Change.DELETE) {
      for (ObjectId oid : stuck) {
        if (path.getFileName().toString().equals(oid.toString())) {
          tried.add(oid);
          throw new IOException("Input/output error");
        }
      }
    }
  }

  private void make(ObjectId oid, int bytes) throws SheepException {
    files.create(oid, 0, ByteBuffer.allocate(bytes), Durability.UNSTABLE);
  }

  /** Two nodes, one copy; the other node is n0. */
  private static View view(int epoch) {
    List<Member> members = List.of(member(0), member(1));
    return new View(
        new Layout(1, 0, 1, 22, "plain"), new Epoch(epoch, Instant.EPOCH, members), "n1");
  }

  private static Member member(int node) {
    NodeInfo info = new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + node, 128, node, 1);
    return new Member("n" + node, State.SYNCED, 1, "i" + node, Seat.of(info));
  }

  /** Makes the next object that is elsewhere, or here. */
  private ObjectId make(int from, boolean isElsewhere) throws SheepException {
    View view = view(1);
    int index = from;
    while (view.isPlace(ObjectId.data(VID, index), 1) == isElsewhere) {
      index++;
    }
    ObjectId oid = ObjectId.data(VID, index);
    make(oid, 8);
    return oid;
  }

  private void begin(int epoch) throws SheepException {
    View view = view(epoch);
    View.Peer self = view.self();
    if (self == null) {
      throw new AssertionError("a member");
    }
    List<ObjectId> before = replica.list();
    replica.settle(view);
    replica.open();
    recoveries.begin(view, self, before, "i1");
  }

  private static void eventually(BooleanSupplier condition) throws Exception {
    while (!condition.getAsBoolean()) { // the test has a timeout
      Thread.sleep(10);
    }
  }

  private boolean isGone(ObjectId oid) {
    try {
      return !files.exists(oid);
    } catch (SheepException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void sweep_diskRefusesOne_dropsTheOthers_andThatOneAsSoonAsItCan() throws Exception {
    ObjectId refused = make(0, true);
    ObjectId other = make(refused.index() + 1, true);
    ObjectId own = make(0, false);
    stuck.add(refused);
    begin(1);
    eventually(() -> tried.contains(refused));
    eventually(() -> isGone(other));
    assertFalse(isGone(refused));
    stuck.clear();
    eventually(() -> isGone(refused));
    assertFalse(isGone(own));
    assertFalse(isGone(ObjectId.inode(VID)));
  }

  @Test
  void sweep_thatHasNotEndedInItsEpoch_goesOnInTheNext() throws Exception {
    ObjectId refused = make(0, true);
    stuck.add(refused);
    begin(1);
    eventually(() -> tried.contains(refused));
    recoveries.end();
    replica.close();
    stuck.clear();
    assertFalse(isGone(refused));
    begin(2);
    eventually(() -> isGone(refused));
    assertTrue(tried.contains(refused));
  }

  /** The disk, or that of the other node, has changed the byte that says so. */
  @Test
  void sweep_numberOfCopiesThatNobodyConfirms_dropsNothing() throws Exception {
    ObjectId elsewhere = make(0, true);
    others.say(7000, 2);
    begin(2);
    eventually(() -> others.asked() > 1); // it has been tried, and is tried again
    assertFalse(isGone(elsewhere));
    others.say(7000, 1);
    eventually(() -> isGone(elsewhere));
  }
}
