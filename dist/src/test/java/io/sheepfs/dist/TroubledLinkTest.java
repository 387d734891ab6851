package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The proxy before a server that sends back what it gets. Times are only ever lower bounds. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class TroubledLinkTest {

  private ServerSocket server;
  private TroubledLink link;

  @BeforeEach
  void start() throws Exception {
    server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    link = new TroubledLink(server.getLocalPort());
    Thread echo = new Thread(this::echo, "echo");
    echo.setDaemon(true);
    echo.start();
  }

  private void echo() {
    while (true) {
      try (Socket socket = server.accept()) {
        socket.getInputStream().transferTo(socket.getOutputStream());
      } catch (SocketException e) {
        if (server.isClosed()) {
          return;
        }
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }
  }

  @AfterEach
  void stop() throws Exception {
    link.close();
    server.close();
  }

  private Socket connect() throws IOException {
    return new Socket(InetAddress.getLoopbackAddress(), link.port());
  }

  /** Sends from one thread while this one reads; returns how long it took until all was back. */
  private static long thereAndBackNanos(Socket socket, int bytes) throws Exception {
    byte[] sent = new byte[bytes];
    new Random(bytes).nextBytes(sent);
    long start = System.nanoTime();
    Thread sender =
        new Thread(
            () -> {
              try {
                OutputStream out = socket.getOutputStream();
                out.write(sent);
              } catch (IOException e) {
                throw new AssertionError(e);
              }
            });
    sender.start();
    byte[] received = new byte[bytes];
    new DataInputStream(socket.getInputStream()).readFully(received);
    long nanos = System.nanoTime() - start;
    sender.join();
    assertArrayEquals(sent, received);
    return nanos;
  }

  @Test
  void untroubled_allBytesGoThrough() throws Exception {
    try (Socket socket = connect()) {
      thereAndBackNanos(socket, 1);
      thereAndBackNanos(socket, 20_000_000);
    }
  }

  @Test
  void delay_isAddedBothWays() throws Exception {
    link.delay(50);
    try (Socket socket = connect()) {
      assertTrue(thereAndBackNanos(socket, 1000) >= 100_000_000);
    }
  }

  @Test
  void rate_isNotExceeded() throws Exception {
    link.rate(10_000_000);
    try (Socket socket = connect()) {
      assertTrue(thereAndBackNanos(socket, 3_000_000) >= 290_000_000);
    }
  }

  @Test
  void stall_holdsBackUntilPassed() throws Exception {
    try (Socket socket = connect()) {
      thereAndBackNanos(socket, 1);
      link.stall();
      socket.getOutputStream().write(7);
      socket.setSoTimeout(200);
      assertThrows(IOException.class, () -> socket.getInputStream().read());
      link.pass();
      socket.setSoTimeout(0);
      assertEquals(7, socket.getInputStream().read());
    }
  }

  @Test
  void reset_breaksConnections_newOnesWork() throws Exception {
    try (Socket socket = connect()) {
      thereAndBackNanos(socket, 1);
      link.reset();
      assertThrows(SocketException.class, () -> socket.getInputStream().read());
    }
    try (Socket socket = connect()) {
      thereAndBackNanos(socket, 1000);
    }
  }
}
