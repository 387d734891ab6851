package io.sheepfs.store.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.FrameMutator;
import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RecordedMessage;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Clients that send nonsense, stop half way, trickle or do not read. A longer campaign: {@code
 * -Dfuzz.frames=N}; the same again: {@code -Dfuzz.seed=N}.
 */
@Timeout(value = 6, unit = TimeUnit.HOURS) // for campaigns by hand; each wait has its own deadline
final class HostileClientsTest {

  private static final int MEBIBYTE = 1 << 20;
  private static final int FRAMES = Integer.getInteger("fuzz.frames", 20_000);

  /** After so many frames, a new store: what the frames made in the old one is forgotten. */
  private static final int FRAMES_PER_STORE = 5_000;

  private static final int FRAMES_PER_CONNECTION = 20;
  private static final int MAX_MUTATED_BODY_BYTES = 1 << 16;

  private final long seed = Long.getLong("fuzz.seed", System.nanoTime());
  private final Random random = new Random(seed);
  private final FrameMutator mutator = new FrameMutator(random);

  private static ServerOptions options(int maxBodyBytes, long totalBytes, int timeoutMillis) {
    return new ServerOptions(
        4,
        4096,
        16,
        maxBodyBytes,
        2L * maxBodyBytes,
        totalBytes,
        Duration.ofMillis(timeoutMillis),
        Duration.ofSeconds(10),
        null,
        null);
  }

  private static Socket connect(ServedStore store) throws IOException {
    Socket socket = new Socket(store.address().getAddress(), store.address().getPort());
    socket.setSoTimeout(60_000);
    return socket;
  }

  private static void eventuallyUses(ServedStore store, long bytes) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (store.server().core().lanes().usedBytes() != bytes) {
      assertTrue(
          System.nanoTime() < deadline,
          () -> store.server().core().lanes().usedBytes() + " bytes are in use, not " + bytes);
      LockSupport.parkNanos(1_000_000);
    }
  }

  private static byte[] header(RequestHeader header) {
    ByteBuffer bytes = ByteBuffer.allocate(HeaderLayout.SIZE_BYTES);
    header.encode(bytes);
    return bytes.array();
  }

  private static RequestHeader write(int length) {
    return RequestHeader.of(
        Opcode.WRITE_OBJ,
        RequestFlags.WRITE,
        length,
        new RequestFields.Obj(0x0000_0001_0000_0000L, 0, 0, 0, 0, 0, 0));
  }

  private static ResponseHeader answer(InputStream in) throws IOException {
    ResponseHeader response =
        ResponseHeader.decode(ByteBuffer.wrap(in.readNBytes(HeaderLayout.SIZE_BYTES)));
    in.skipNBytes(response.dataLength());
    return response;
  }

  @Test
  void bodyThatStillArrives_countsAgainstTheBudget() throws IOException {
    try (ServedStore store = new ServedStore(true, options(MEBIBYTE, MEBIBYTE, 60_000));
        Socket second = connect(store)) {
      try (Socket first = connect(store)) {
        first.getOutputStream().write(header(write(MEBIBYTE)));
        first.getOutputStream().write(new byte[1000]);
        eventuallyUses(store, MEBIBYTE + HeaderLayout.SIZE_BYTES);
        second.getOutputStream().write(header(write(MEBIBYTE)));
        second.getOutputStream().write(new byte[MEBIBYTE]);
      }
      assertEquals(ResultCode.NO_OBJ, answer(second.getInputStream()).result());
      eventuallyUses(store, 0);
    }
  }

  @Test
  void requestsInOneSegment_whileTheBudgetIsTaken_areAllAnswered() throws IOException {
    int requests = 500;
    try (ServedStore store = new ServedStore(true, options(1 << 16, 1 << 16, 60_000));
        Socket socket = connect(store)) {
      ByteBuffer all = ByteBuffer.allocate(requests * (HeaderLayout.SIZE_BYTES + 100));
      for (int i = 0; i < requests; i++) {
        all.put(header(write(100).withId(i))).put(new byte[100]);
      }
      socket.getOutputStream().write(all.array());
      boolean[] seen = new boolean[requests];
      for (int i = 0; i < requests; i++) {
        seen[answer(socket.getInputStream()).id()] = true;
      }
      for (boolean one : seen) {
        assertTrue(one);
      }
      eventuallyUses(store, 0);
    }
  }

  @Test
  void trickledBody_connectionIsClosed() throws IOException {
    try (ServedStore store = new ServedStore(true, options(MEBIBYTE, MEBIBYTE, 300));
        Socket socket = connect(store)) {
      socket.setSoTimeout(20); // which also is the pause between two bytes
      OutputStream out = socket.getOutputStream();
      out.write(header(write(10_000)));
      for (int sent = 0; isOpen(socket); sent++) {
        assertTrue(sent < 9_999, "the server waits for the last byte");
        try {
          out.write(0);
        } catch (IOException closed) {
          break;
        }
      }
      eventuallyUses(store, 0);
    }
  }

  private static boolean isOpen(Socket socket) {
    try {
      return socket.getInputStream().read() >= 0;
    } catch (SocketTimeoutException e) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void readerThatNeverReads_connectionIsClosedAndItsMemoryFreed() throws IOException {
    try (ServedStore store = new ServedStore(true, options(MEBIBYTE, 4 * MEBIBYTE, 200));
        Socket socket = connect(store)) {
      RequestHeader bitmap =
          RequestHeader.of(Opcode.GET_VDI_COPIES, 0, MEBIBYTE, new RequestFields.None());
      RequestHeader stores =
          RequestHeader.of(Opcode.GET_STORE_LIST, 0, MEBIBYTE, new RequestFields.None());
      try {
        while (true) {
          socket.getOutputStream().write(header(bitmap));
          socket.getOutputStream().write(header(stores));
        }
      } catch (IOException closedByTheServer) {
        eventuallyUses(store, 0);
      }
    }
  }

  @Test
  void mutatedFrames_areAnsweredOrRefused() throws IOException {
    System.out.println("HostileClientsTest: seed " + seed + ", " + FRAMES + " frames");
    List<RecordedMessage> requests =
        RecordedMessage.all().stream().filter(RecordedMessage::request).toList();
    for (int frames = 0; frames < FRAMES; frames += FRAMES_PER_STORE) {
      try (ServedStore store = new ServedStore(true, options(1 << 18, MEBIBYTE, 2_000))) {
        for (int sent = 0; sent < FRAMES_PER_STORE; sent += FRAMES_PER_CONNECTION) {
          sendNonsense(store, requests);
        }
        eventuallyUses(store, 0);
        try (Socket socket = connect(store)) {
          socket
              .getOutputStream()
              .write(
                  header(
                      RequestHeader.of(Opcode.GET_STORE_LIST, 0, 512, new RequestFields.None())));
          assertEquals(ResultCode.SUCCESS, answer(socket.getInputStream()).result());
        }
      } catch (IOException | AssertionError e) {
        throw new AssertionError("seed " + seed, e);
      }
    }
  }

  /** One connection that sends without waiting, and reads now and then or never. */
  private void sendNonsense(ServedStore store, List<RecordedMessage> requests) throws IOException {
    try (Socket socket = connect(store)) {
      boolean reads = random.nextInt(4) != 0;
      for (int i = 0; i < FRAMES_PER_CONNECTION; i++) {
        RecordedMessage request = requests.get(random.nextInt(requests.size()));
        socket
            .getOutputStream()
            .write(mutator.mutated(FrameMutator.frame(request, MAX_MUTATED_BODY_BYTES)));
        int there = socket.getInputStream().available();
        if (reads && there > 0) {
          socket.getInputStream().skipNBytes(there);
        }
      }
    } catch (IOException closedByTheServer) {
      // which is one of its answers
    }
  }
}
