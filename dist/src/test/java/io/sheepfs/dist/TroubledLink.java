package io.sheepfs.dist;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/** A TCP proxy that can stall, reset and delay what goes through it, in both directions. */
final class TroubledLink implements AutoCloseable {

  private final int target;
  private final ServerSocket listener;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile long delayMillis;
  private boolean stalled;
  private volatile boolean closed;

  /** Passes on to a port of this machine. */
  TroubledLink(int target) throws IOException {
    this.target = target;
    this.listener = new ServerSocket(0, 100, InetAddress.getLoopbackAddress());
    start("link-accept", this::accept);
  }

  int port() {
    return listener.getLocalPort();
  }

  /** Nothing gets through any more; connections stay, and new ones are taken. */
  synchronized void stall() {
    stalled = true;
  }

  /** All gets through again, at once. */
  synchronized void pass() {
    stalled = false;
    delayMillis = 0;
    notifyAll();
  }

  /** Each piece of data takes so much longer. */
  void delay(long millis) {
    delayMillis = millis;
  }

  /** Breaks all connections; new ones are taken. */
  void reset() {
    for (Socket socket : sockets) {
      try {
        socket.setSoLinger(true, 0);
      } catch (IOException e) {
        // it is closed already
      }
      close(socket);
    }
  }

  private interface Task {
    void run() throws IOException, InterruptedException;
  }

  private static void start(String name, Task task) {
    Thread thread =
        new Thread(
            () -> {
              try {
                task.run();
              } catch (IOException e) {
                // a connection ended, as connections do
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() throws IOException {
    while (!closed) {
      Socket client = listener.accept();
      Socket server = new Socket(InetAddress.getLoopbackAddress(), target);
      client.setTcpNoDelay(true);
      server.setTcpNoDelay(true);
      sockets.add(client);
      sockets.add(server);
      start("link-out", () -> pump(client, server));
      start("link-in", () -> pump(server, client));
    }
  }

  private void pump(Socket from, Socket to) throws IOException, InterruptedException {
    byte[] bytes = new byte[1 << 16];
    try (InputStream in = from.getInputStream();
        OutputStream out = to.getOutputStream()) {
      for (int count = in.read(bytes); count >= 0; count = in.read(bytes)) {
        TimeUnit.MILLISECONDS.sleep(delayMillis);
        awaitPassage();
        out.write(bytes, 0, count);
      }
    } finally {
      close(from);
      close(to);
    }
  }

  private synchronized void awaitPassage() throws InterruptedException {
    while (stalled && !closed) {
      wait();
    }
  }

  private void close(Socket socket) {
    sockets.remove(socket);
    try {
      socket.close();
    } catch (IOException e) {
      throw new AssertionError("a socket cannot be closed", e);
    }
  }

  @Override
  public void close() throws IOException {
    closed = true;
    pass();
    listener.close();
    sockets.forEach(this::close);
  }
}
