package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.SnapshotSelector;
import io.sheepfs.protocol.SnapshotTag;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiInfo;
import io.sheepfs.protocol.VdiLock;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import io.sheepfs.protocol.VdiSpec;
import java.io.IOException;
import java.net.Socket;
import java.net.SocketException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
final class SheepServerTest {

  private static final RequestFields NONE = new RequestFields.None();
  private static final int SIZE = 1 << 20;

  private static Socket connect(ServedStore store) throws IOException {
    Socket socket = new Socket(store.address().getAddress(), store.address().getPort());
    socket.setSoTimeout(60_000);
    return socket;
  }

  private static byte[] frame(RequestHeader header, byte[] body) {
    ByteBuffer bytes = ByteBuffer.allocate(HeaderLayout.SIZE_BYTES + body.length);
    header.encode(bytes);
    return bytes.put(body).array();
  }

  private static ResponseHeader answer(Socket socket) throws IOException {
    byte[] header = socket.getInputStream().readNBytes(HeaderLayout.SIZE_BYTES);
    ResponseHeader response = ResponseHeader.decode(ByteBuffer.wrap(header));
    assertEquals(
        response.dataLength(),
        socket.getInputStream().readNBytes((int) response.dataLength()).length);
    return response;
  }

  private static ResultCode ask(Socket socket, RequestHeader header, byte[] body)
      throws IOException {
    socket.getOutputStream().write(frame(header, body));
    return answer(socket).result();
  }

  private static byte[] name() {
    return VdiNameRecord.of(new VdiName("disk")).encode().array();
  }

  private static RequestHeader named(Opcode opcode, int flags) {
    return RequestHeader.of(
        opcode, RequestFlags.WRITE | flags, name().length, RequestFields.Vdi.lookup(0));
  }

  @Test
  void request_beforeFormat_waitsForFormat() throws IOException {
    try (ServedStore store = new ServedStore(false, ServerOptions.DEFAULTS);
        Socket socket = connect(store)) {
      assertEquals(ResultCode.WAIT_FOR_FORMAT, ask(socket, named(Opcode.GET_VDI_INFO, 0), name()));
    }
  }

  @Test
  void request_byteByByte_isAnswered() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        Socket socket = connect(store)) {
      socket.setTcpNoDelay(true);
      for (byte b : frame(named(Opcode.NEW_VDI, 0), name())) {
        socket.getOutputStream().write(b);
      }
      assertEquals(ResultCode.SUCCESS, answer(socket).result());
    }
  }

  @Test
  void lease_connectionCloses_isFree() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        Socket second = connect(store)) {
      RequestHeader lock = named(Opcode.LOCK_VDI, RequestFlags.LEASE);
      try (Socket first = connect(store)) {
        assertEquals(ResultCode.SUCCESS, ask(first, named(Opcode.NEW_VDI, 0), name()));
        assertEquals(ResultCode.SUCCESS, ask(first, lock, name()));
        assertEquals(ResultCode.VDI_LOCKED, ask(second, lock, name()));
        assertEquals(ResultCode.VDI_LOCKED, ask(second, named(Opcode.LOCK_VDI, 0), name()));
        assertEquals(ResultCode.VDI_LOCKED, ask(second, named(Opcode.DEL_VDI, 0), name()));
      }
      ResultCode result = ResultCode.VDI_LOCKED;
      while (result == ResultCode.VDI_LOCKED) { // the test's timeout is the deadline
        result = ask(second, lock, name());
      }
      assertEquals(ResultCode.SUCCESS, result);
    }
  }

  @Test
  void lease_releasedUnderTheIdBeforeASnapshot_isFreeAtOnce() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        Cluster cluster = store.connect();
        Socket first = connect(store);
        Socket second = connect(store)) {
      VdiName disk = new VdiName("disk");
      VdiInfo before = cluster.vdis().create(disk, VdiSpec.ofSize(SIZE));
      RequestHeader lock = named(Opcode.LOCK_VDI, RequestFlags.LEASE);
      assertEquals(ResultCode.SUCCESS, ask(first, lock, name()));
      cluster.vdis().snapshot(disk, new SnapshotTag("s1"));
      RequestFields.Vdi old = new RequestFields.Vdi(0, before.vid().value(), 0, 0, 0, 0, 0, 0);
      RequestHeader release = RequestHeader.of(Opcode.RELEASE_VDI, RequestFlags.LEASE, 0, old);
      assertEquals(ResultCode.SUCCESS, ask(second, release, new byte[0]));
      assertEquals(ResultCode.VDI_LOCKED, ask(second, lock, name()), "it is not his");
      assertEquals(ResultCode.SUCCESS, ask(first, release, new byte[0]));
      assertEquals(ResultCode.SUCCESS, ask(second, lock, name()));
    }
  }

  private static ResultCode goBack(Socket socket, VdiInfo base, int flags) throws IOException {
    RequestHeader request =
        RequestHeader.of(
            Opcode.NEW_VDI,
            RequestFlags.WRITE | flags,
            name().length,
            new RequestFields.Vdi(2 * SIZE, base.vid().value(), 0, 0, 0, 0, 1, 0));
    return ask(socket, request, name());
  }

  @Test
  void newVdi_onAnEarlierSnapshot_goesBackThere() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        Cluster cluster = store.connect();
        Socket socket = connect(store)) {
      VdiName disk = new VdiName("disk");
      VdiInfo first = cluster.vdis().create(disk, VdiSpec.ofSize(SIZE));
      fill(cluster, first, 1);
      VdiInfo second = cluster.vdis().snapshot(disk, new SnapshotTag("s1"));
      fill(cluster, second, 2);
      try (VdiLock lock = cluster.vdis().lock(disk)) {
        assertEquals(ResultCode.VDI_LOCKED, goBack(socket, first, 0));
        assertTrue(lock.isHeld());
      }
      assertEquals(ResultCode.VDI_EXIST, goBack(socket, first, RequestFlags.WORKING_BASE));
      assertEquals(ResultCode.SUCCESS, goBack(socket, first, 0));

      VdiInfo working = cluster.vdis().lookup(disk);
      assertEquals(2 * SIZE, working.sizeBytes());
      assertEquals(3, cluster.vdis().list().size());
      assertEquals(first.vid().value(), owner(cluster, working.vid()));
      assertEquals(second.vid().value(), owner(cluster, second.vid()));
      VdiInfo left = cluster.vdis().lookup(disk, new SnapshotSelector.ById(second.snapshotId()));
      assertEquals(second.vid(), left.vid());
      cluster.vdis().delete(disk, new SnapshotSelector.ById(second.snapshotId()));
      cluster.vdis().delete(disk, new SnapshotSelector.ById(first.snapshotId()));
      ByteBuffer one = ByteBuffer.allocate(1);
      cluster.objects().read(ObjectId.data(first.vid(), 0), 0, one);
      assertEquals(1, one.get(0));
      assertThrows(
          SheepException.class,
          () -> cluster.objects().read(ObjectId.data(second.vid(), 0), 0, one.clear()));
    }
  }

  private static void fill(Cluster cluster, VdiInfo vdi, int value) throws IOException {
    ByteBuffer byteOf = ByteBuffer.wrap(new byte[] {(byte) value});
    cluster.objects().create(ObjectId.data(vdi.vid(), 0), 0, byteOf, Durability.STABLE);
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    entry.putInt(0, vdi.vid().value());
    ObjectId inode = ObjectId.inode(vdi.vid());
    cluster.objects().write(inode, InodeLayout.indexOffset(0), entry, Durability.STABLE);
  }

  private static int owner(Cluster cluster, VdiId vid) throws IOException {
    ByteBuffer entry = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    cluster.objects().read(ObjectId.inode(vid), InodeLayout.indexOffset(0), entry);
    return entry.getInt(0);
  }

  @Test
  void unknownOpcode_andWrongVersion_areRefused() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        Socket socket = connect(store)) {
      RequestHeader unknown = new RequestHeader(2, 0x7f, 0, 0, 9, 0, NONE.encode());
      RequestHeader old = new RequestHeader(2, Opcode.STAT.code(), 0, 0, 9, 120, NONE.encode());
      assertEquals(ResultCode.INVALID_PARMS, ask(socket, unknown, new byte[0]));
      assertEquals(ResultCode.VER_MISMATCH, ask(socket, old, new byte[0]));
      assertEquals(1, store.server().core().counters().unknownOpcodes());
    }
  }

  @Test
  void bodyOverTheLimit_connectionIsClosed() throws IOException {
    try (ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);
        Socket socket = connect(store)) {
      RequestHeader huge =
          new RequestHeader(2, 3, RequestFlags.WRITE, 0, 0, 0xFFFF_FFFFL, NONE.encode());
      socket.getOutputStream().write(frame(huge, new byte[0]));
      assertEquals(-1, socket.getInputStream().read());
    }
  }

  @Test
  void halfARequest_connectionIsReset() throws IOException {
    ServerOptions impatient = ServerOptions.DEFAULTS.withFrameTimeout(Duration.ofMillis(100));
    try (ServedStore store = new ServedStore(true, impatient);
        Socket socket = connect(store)) {
      socket.getOutputStream().write(new byte[10]);
      assertThrows(SocketException.class, () -> socket.getInputStream().read());
    }
  }
}
