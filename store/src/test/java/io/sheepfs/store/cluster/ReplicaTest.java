package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.Space;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.object.Disk;
import io.sheepfs.store.object.ObjectFiles;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** What a node does for which there is no room, while it catches up and after that. */
final class ReplicaTest {

  private static final int EPOCH = 9;
  private static final long DISK_BYTES = 1L << 40;
  private static final ObjectId OID = ObjectId.data(new VdiId(7), 3);

  private final Source source = new Source();
  private ObjectFiles files;
  private Replica replica;
  private long freeBytes = DISK_BYTES;
  private long number;

  /** The other node, which is SYNCED. */
  private static final class Source implements PeerLinks {
    final Map<ObjectId, byte[]> objects = new HashMap<>();

    @Override
    public ResponseHeader exchange(
        InetSocketAddress node,
        RequestHeader header,
        @Nullable ByteBuffer body,
        @Nullable ByteBuffer target) {
      byte[] found = objects.get(header.obj().objectId());
      ResponseFields fields = new ResponseFields.None();
      if (found != null) {
        if (target == null) {
          fields = new ResponseFields.Obj(0, found.length);
        } else {
          target.put(found);
        }
      }
      ResultCode result = found == null ? ResultCode.NO_OBJ : ResultCode.SUCCESS;
      return ResponseHeader.to(header, EPOCH, result, 0, fields);
    }

    @Override
    public ResponseHeader exchange(
        InetSocketAddress node,
        RequestHeader header,
        @Nullable ByteBuffer body,
        @Nullable ByteBuffer target,
        Duration timeout) {
      return exchange(node, header, body, target);
    }

    @Override
    public Link open(InetSocketAddress node) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void giveUp(Set<InetSocketAddress> nodes) {}

    @Override
    public void drop(InetSocketAddress node) {}

    @Override
    public void close() {}
  }

  @BeforeEach
  void open(@TempDir Path directory) {
    files = new ObjectFiles(directory, new Disk(directory, (change, path) -> {}), 4);
    replica =
        new Replica(files, new PeerCalls(source, source), () -> new Space(DISK_BYTES, freeBytes));
  }

  @AfterEach
  void close() {
    files.close();
  }

  private static Member member(int node, State state) {
    NodeInfo info = new NodeInfo(InetAddress.getLoopbackAddress(), 7000 + node, 128, node, 1);
    return new Member("n" + node, state, 1, "i" + node, Seat.of(info));
  }

  private View begin(State state) {
    View view =
        new View(
            new Layout(1, 0, 2, 22, "plain"),
            new Epoch(EPOCH, Instant.EPOCH, List.of(member(0, State.SYNCED), member(1, state))),
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
}
