package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeHeader;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.object.BadSectors;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.ObjectFiles;
import io.sheepfs.store.vdi.Headers;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What a node takes while it catches up, and what it does when there is no room for it. */
final class ReplicaTest {

  private static final int EPOCH = 9;
  private static final long DISK_BYTES = 1L << 40;
  private static final ObjectId OID = ObjectId.data(new VdiId(7), 3);
  private static final ObjectId INODE = ObjectId.inode(OtherInodes.VID);

  private final Source source = new Source();

  /** What cannot be read here. */
  private final Set<ObjectId> unreadable = new HashSet<>();

  private ObjectFiles files;
  private Replica replica;
  private long freeBytes = DISK_BYTES;
  private long number;

  /** A copy. */
  private record At(int port, ObjectId oid) {}

  /** The other nodes, which are SYNCED. */
  private static final class Source extends NoLinks {
    /** What the first has, and by port what differs from that at others. */
    final Map<ObjectId, byte[]> objects = new HashMap<>();

    final Map<At, byte[]> different = new HashMap<>();
    final Set<At> missing = new HashSet<>();
    final Set<At> unreadable = new HashSet<>();

    @Override
    public ResponseHeader exchange(
        InetSocketAddress node,
        RequestHeader header,
        @Nullable ByteBuffer body,
        @Nullable ByteBuffer target) {
      At at = new At(node.getPort(), header.obj().objectId());
      byte[] found =
          missing.contains(at) ? null : different.getOrDefault(at, objects.get(at.oid()));
      ResponseFields fields = new ResponseFields.None();
      if (unreadable.contains(at)) {
        return ResponseHeader.to(header, EPOCH, ResultCode.EIO, 0, fields);
      }
      if (found != null) {
        if (header.opcode() == Opcode.GET_HASH) {
          fields = new ResponseFields.Hash(sha1(found));
        } else if (target == null) {
          fields = new ResponseFields.Obj(0, found.length);
        } else {
          int start = (int) header.obj().offset();
          target.put(found, start, Math.min(target.remaining(), found.length - start));
        }
      }
      ResultCode result = found == null ? ResultCode.NO_OBJ : ResultCode.SUCCESS;
      return ResponseHeader.to(header, EPOCH, result, 0, fields);
    }

    private static byte[] sha1(byte[] bytes) {
      try {
        return MessageDigest.getInstance("SHA-1").digest(bytes);
      } catch (NoSuchAlgorithmException e) {
        throw new AssertionError(e);
      }
    }
  }

  @BeforeEach
  void open(@TempDir Path directory) {
    files = new ObjectFiles(directory, new Disk(directory, (change, path) -> {}), 4);
    replica =
        new Replica(
            BadSectors.in(files, unreadable),
            new PeerCalls(source, source),
            () -> new Space(DISK_BYTES, freeBytes));
  }

  @AfterEach
  void close() {
    files.close();
  }

  private static Member member(int node, State state) {
    NodeInfo info = new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + node, 128, node, 1);
    return new Member("n" + node, state, 1, "i" + node, Seat.of(info));
  }

  /** With one other node. */
  private View begin(State state) {
    return begin(List.of(member(0, State.SYNCED), member(1, state)));
  }

  /** With two others. */
  private View beginOfThree() {
    return begin(
        List.of(member(0, State.SYNCED), member(1, State.SYNCING), member(2, State.SYNCED)));
  }

  private View begin(List<Member> members) {
    View view =
        new View(
            new Layout(1, 0, members.size(), 22, "plain"),
            new Epoch(EPOCH, Instant.EPOCH, members),
            "n1");
    replica.settle(view);
    replica.open();
    return view;
  }

  private void create(int value) throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(4).putInt(0, value);
    source.objects.put(OID, bytes.array().clone());
    replica.create(EPOCH, ++number, 0, OID, 0, bytes, Durability.UNSTABLE);
  }

  private int found() throws SheepException {
    ByteBuffer bytes = ByteBuffer.allocate(4);
    files.read(OID, 0, bytes);
    return bytes.getInt(0);
  }

  private static ResultCode refused(Executable work) {
    return assertThrows(SheepException.class, work).result();
  }

  @Test
  void noRoom_whileCatchingUp_answersAsDone_andHasToFetch() throws SheepException {
    View view = begin(State.SYNCING);
    create(1);
    assertEquals(1, found());
    freeBytes = 0;
    create(2);
    assertEquals(1, found());
    assertEquals(List.of(OID), replica.takeGaps(view), "it does not have everything");
    freeBytes = DISK_BYTES;
    source.objects.put(OID, new byte[] {0, 0, 0, 2});
    boolean removed = files.remove(OID);
    assertTrue(removed);
    replica.recover(view, OID);
    assertEquals(2, found());
    assertEquals(List.of(), replica.takeGaps(view));
  }

  @Test
  void noRoom_afterItHasEverything_refuses() throws SheepException {
    View view = begin(State.SYNCING);
    assertEquals(List.of(), replica.takeGaps(view));
    freeBytes = 0;
    assertEquals(ResultCode.NO_SPACE, refused(() -> create(1)));
    View same = begin(State.SYNCING);
    assertEquals(view.number(), same.number());
    create(2);
    assertFalse(files.exists(OID));
    assertEquals(List.of(OID), replica.takeGaps(view));
  }

  @Test
  void recovery_leavesHalfOfTheReserve() throws SheepException {
    View view = begin(State.SYNCING);
    source.objects.put(OID, new byte[] {0, 0, 0, 1});
    freeBytes = (1L << 29) + 3;
    assertEquals(ResultCode.NO_SPACE, refused(() -> replica.recover(view, OID)));
    assertFalse(files.exists(OID));
    freeBytes++;
    replica.recover(view, OID);
    assertEquals(1, found());
  }

  /** The leader asks for room before it sends anything to such a place. */
  @Test
  void syncedPlace_isNotAskedForRoomHere() throws SheepException {
    View view = begin(State.SYNCED);
    freeBytes = 0;
    create(1);
    assertEquals(1, found());
    assertTrue(view.isPlace(OID, 2));
    assertEquals(List.of(), replica.takeGaps(view));
  }

  private void write(int value) throws SheepException {
    files.create(OID, 0, ByteBuffer.allocate(4).putInt(0, value), Durability.UNSTABLE);
  }

  /** The port of the node that is asked first, and of the other one. */
  private static List<Integer> ports(View view) {
    return ports(view, OID);
  }

  private static List<Integer> ports(View view, ObjectId oid) {
    return view.places(oid, 3).stream()
        .filter(View.Peer::isSynced)
        .map(place -> place.node().port())
        .toList();
  }

  @Test
  void copyThatHasChangedOnItsDisk_doesNotReplaceOneThatIsRight() throws SheepException {
    View view = beginOfThree();
    write(1);
    source.objects.put(OID, new byte[] {0, 0, 0, 1});
    source.different.put(new At(ports(view).get(0), OID), new byte[] {0, 0, 0, 5});
    replica.recover(view, OID);
    assertEquals(1, found(), "as it is at the second");
  }

  @Test
  void copyThatIsOld_isReplaced() throws SheepException {
    View view = beginOfThree();
    write(1);
    source.objects.put(OID, new byte[] {0, 0, 0, 2});
    replica.recover(view, OID);
    assertEquals(2, found());
  }

  @Test
  void copyThatCannotBeRead_isTakenFromAnother() throws SheepException {
    View view = beginOfThree();
    source.objects.put(OID, new byte[] {0, 0, 0, 1});
    source.unreadable.add(new At(ports(view).get(0), OID));
    replica.recover(view, OID);
    assertEquals(1, found(), "none was here");
    source.objects.put(OID, new byte[] {0, 0, 0, 2});
    replica.forget(OID);
    replica.recover(view, OID);
    assertEquals(2, found(), "an old one was here");
    source.unreadable.add(new At(ports(view).get(1), OID));
    replica.forget(OID);
    assertEquals(ResultCode.EIO, refused(() -> replica.recover(view, OID)));
    assertEquals(2, found());
  }

  @Test
  void objectThatWasDeleted_isRemoved() throws SheepException {
    View view = beginOfThree();
    write(1);
    replica.recover(view, OID);
    assertFalse(files.exists(OID));
  }

  @Test
  void copyThatCannotBeReadHere_isFetched() throws SheepException {
    View view = beginOfThree();
    write(1);
    writeInode(inode(1));
    source.objects.put(OID, new byte[] {0, 0, 0, 2});
    source.objects.put(INODE, inode(2));
    unreadable.addAll(List.of(OID, INODE));
    replica.recover(view, INODE);
    replica.recover(view, OID);
    assertEquals(2, foundInode());
    assertEquals(2, found());
  }

  private static byte[] inode(int copies) {
    return OtherInodes.inode(copies).array();
  }

  /** What is here of the inode, as the number of copies that it was made with. */
  private int foundInode() throws SheepException {
    InodeHeader header = Headers.sound(files, INODE);
    return header == null ? -1 : header.copies();
  }

  private void writeInode(byte[] bytes) throws SheepException {
    files.create(INODE, 0, ByteBuffer.wrap(bytes), Durability.UNSTABLE);
  }

  @Test
  void inodeThatReadsAsZeros_isTakenFromNobody() throws SheepException {
    View view = beginOfThree();
    writeInode(inode(1));
    source.objects.put(INODE, new byte[InodeLayout.HEADER_BYTES]);
    assertEquals(ResultCode.EIO, refused(() -> replica.recover(view, INODE)));
    assertEquals(1, foundInode(), "it may be old, but it is all that there is");
    source.different.put(new At(ports(view, INODE).get(1), INODE), inode(2));
    replica.recover(view, INODE);
    assertEquals(2, foundInode());
  }

  @Test
  void inodeThatReadsAsZeros_doesNotStayForAnotherThatDoes() throws SheepException {
    View view = beginOfThree();
    byte[] zeros = new byte[InodeLayout.HEADER_BYTES];
    writeInode(zeros);
    source.objects.put(INODE, inode(2));
    source.different.put(new At(ports(view, INODE).get(0), INODE), zeros);
    replica.recover(view, INODE);
    assertEquals(2, foundInode());
  }

  @Test
  void inodeThatADiskHasLost_isTakenFromAnother() throws SheepException {
    View view = beginOfThree();
    source.objects.put(INODE, inode(2));
    source.missing.add(new At(ports(view, INODE).get(0), INODE));
    replica.recover(view, INODE);
    assertEquals(2, foundInode());
    source.unreadable.add(new At(ports(view, INODE).get(1), INODE));
    replica.forget(INODE);
    assertEquals(ResultCode.EIO, refused(() -> replica.recover(view, INODE)));
    assertEquals(2, foundInode(), "who can read knows nothing of it; the other may have it");
  }

  /** As with one for which there is no room: others are right, as far as anybody is. */
  @Test
  void changeOfWhatNobodyCanGive_answersAsDone_andHasToFetch() throws SheepException {
    View view = begin(State.SYNCING);
    source.objects.put(INODE, new byte[InodeLayout.HEADER_BYTES]);
    ByteBuffer entry = ByteBuffer.allocate(4).putInt(0, 7);
    int at = InodeLayout.HEADER_BYTES;
    replica.write(EPOCH, ++number, 0, INODE, at, entry, Durability.UNSTABLE);
    assertFalse(files.exists(INODE));
    assertEquals(List.of(INODE), replica.takeGaps(view));
    assertEquals(List.of(), replica.takeGaps(view));
    ByteBuffer again = entry.rewind();
    assertEquals(
        ResultCode.EIO,
        refused(() -> replica.write(EPOCH, ++number, 0, INODE, at, again, Durability.UNSTABLE)));
  }

  /** It can be fetched, wherever its copies should be. */
  @Test
  void changeOfDataWhoseInodeReadsAsZeros_isMade() throws SheepException {
    View view = begin(State.SYNCING);
    source.objects.put(INODE, new byte[InodeLayout.HEADER_BYTES]);
    source.objects.put(OID, new byte[] {0, 0, 0, 1});
    ByteBuffer last = ByteBuffer.allocate(1).put(0, (byte) 2);
    replica.write(EPOCH, ++number, 0, OID, 3, last, Durability.UNSTABLE);
    assertEquals(2, found());
    assertEquals(List.of(), replica.takeGaps(view));
  }

  /** So that whoever compares copies knows that this one has no voice. */
  @Test
  void checkedDigest_ofAnInodeThatReadsAsZeros_fails() throws SheepException {
    View view = begin(State.SYNCED);
    writeInode(inode(1));
    assertEquals(20, replica.checkedDigest(view.number(), INODE).length);
    writeInode(new byte[InodeLayout.HEADER_BYTES]);
    assertEquals(ResultCode.EIO, refused(() -> replica.checkedDigest(view.number(), INODE)));
  }
}
