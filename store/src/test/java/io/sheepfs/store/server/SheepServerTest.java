package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiNameRecord;
import java.io.IOException;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 30, unit = TimeUnit.SECONDS)
final class SheepServerTest {

  private static final RequestFields NONE = new RequestFields.None();

  private static Socket connect(ServedStore store) throws IOException {
    Socket socket = new Socket(store.address().getAddress(), store.address().getPort());
    socket.setSoTimeout(20_000);
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
  void halfARequest_connectionIsClosed() throws IOException {
    ServerOptions impatient = ServerOptions.DEFAULTS.withFrameTimeout(Duration.ofMillis(100));
    try (ServedStore store = new ServedStore(true, impatient);
        Socket socket = connect(store)) {
      socket.getOutputStream().write(new byte[10]);
      assertEquals(-1, socket.getInputStream().read());
    }
  }
}
