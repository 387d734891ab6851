package io.sheepfs.dist;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * A TCP proxy that can stall, reset, delay and narrow what goes through it, in both directions.
 * {@link LinkCommand} is the same as a program. Safe for any number of threads.
 */
final class TroubledLink implements AutoCloseable {

  private static final int PIECE_BYTES = 64 << 10;

  /** Pieces on their way in one direction of one connection: 16 MiB, which is 1.6 GB/s at 10 ms. */
  private static final int MAX_PIECES = 256;

  private final InetSocketAddress target;
  private final ServerSocketChannel listener;
  private final LinkLane out = new LinkLane();
  private final LinkLane in = new LinkLane();
  private final Set<Session> sessions = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /** Passes on to a port of this machine. */
  TroubledLink(int target) throws IOException {
    this(0, target);
  }

  /**
   * Passes on to a port of this machine.
   *
   * @param port where it listens; 0 for any
   */
  TroubledLink(int port, int target) throws IOException {
    this.target = new InetSocketAddress(InetAddress.getLoopbackAddress(), target);
    this.listener = ServerSocketChannel.open();
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 100);
    thread("link-accept", this::accept).start();
  }

  int port() {
    return listener.socket().getLocalPort();
  }

  /** Nothing gets through any more; connections stay, and new ones are taken. */
  void stall() {
    out.stall();
    in.stall();
  }

  /** All gets through again, with no delay added to what is sent from now on. */
  void pass() {
    delay(0);
    out.pass();
    in.pass();
  }

  /** All that is sent from now on takes so much longer, each way; the bandwidth stays. */
  void delay(long millis) {
    out.delay(TimeUnit.MILLISECONDS.toNanos(millis));
    in.delay(TimeUnit.MILLISECONDS.toNanos(millis));
  }

  /** Limits the bandwidth each way, of all connections together; 0 for none. */
  void rate(long bytesPerSecond) {
    out.rate(bytesPerSecond);
    in.rate(bytesPerSecond);
  }

  /** Breaks all connections; new ones are taken. */
  void reset() {
    sessions.forEach(Session::reset);
  }

  private interface Task {
    void run() throws IOException, InterruptedException;
  }

  private static Thread thread(String name, Task task) {
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
    return thread;
  }

  private void accept() throws IOException {
    while (!closed) {
      SocketChannel client = listener.accept();
      try {
        new Session(client, SocketChannel.open(target)).begin();
      } catch (IOException e) {
        client.close(); // nobody is there just now
      }
    }
  }

  /** A client's connection and the one that it is passed on to. */
  private final class Session {
    private final SocketChannel client;
    private final SocketChannel server;
    private final Thread[] threads;

    Session(SocketChannel client, SocketChannel server) throws IOException {
      this.client = client;
      this.server = server;
      client.setOption(StandardSocketOptions.TCP_NODELAY, true);
      server.setOption(StandardSocketOptions.TCP_NODELAY, true);
      Pipe there = new Pipe(client, server, out, this);
      Pipe back = new Pipe(server, client, in, this);
      threads =
          new Thread[] {
            thread("link-out-read", there::read),
            thread("link-out-write", there::write),
            thread("link-in-read", back::read),
            thread("link-in-write", back::write)
          };
    }

    void begin() {
      sessions.add(this);
      for (Thread thread : threads) {
        thread.start();
      }
      if (closed) {
        close();
      }
    }

    void reset() {
      try {
        client.setOption(StandardSocketOptions.SO_LINGER, 0);
        server.setOption(StandardSocketOptions.SO_LINGER, 0);
      } catch (IOException e) {
        // it is closed already
      }
      close();
    }

    void close() {
      sessions.remove(this);
      try {
        client.close();
        server.close();
      } catch (IOException e) {
        throw new AssertionError("a socket cannot be closed", e);
      }
      for (Thread thread : threads) {
        thread.interrupt();
      }
    }
  }

  /** Bytes that were read and do not arrive before their time. */
  private static final class Piece {
    final ByteBuffer bytes = ByteBuffer.allocateDirect(PIECE_BYTES);
    long arrivesAtNanos;
  }

  /** One direction of a connection: one thread reads, one writes what has arrived. */
  private static final class Pipe {
    private final SocketChannel from;
    private final SocketChannel to;
    private final LinkLane lane;
    private final Session session;
    private final BlockingQueue<Piece> free = new ArrayBlockingQueue<>(MAX_PIECES);
    private final BlockingQueue<Piece> sent = new ArrayBlockingQueue<>(MAX_PIECES);

    Pipe(SocketChannel from, SocketChannel to, LinkLane lane, Session session) {
      this.from = from;
      this.to = to;
      this.lane = lane;
      this.session = session;
    }

    void read() throws IOException, InterruptedException {
      int made = 0;
      while (true) {
        Piece piece = free.poll();
        if (piece == null) {
          piece = made++ < MAX_PIECES ? new Piece() : free.take();
        }
        boolean ended = from.read(piece.bytes.clear()) < 0;
        piece.bytes.flip();
        piece.arrivesAtNanos = lane.send(piece.bytes.limit());
        sent.put(piece); // an empty one says that there are no more
        if (ended) {
          return;
        }
      }
    }

    void write() throws IOException, InterruptedException {
      try {
        for (Piece piece = sent.take(); piece.bytes.hasRemaining(); piece = sent.take()) {
          lane.await(piece.arrivesAtNanos);
          while (piece.bytes.hasRemaining()) {
            to.write(piece.bytes);
          }
          free.put(piece);
        }
      } finally {
        session.close();
      }
    }
  }

  @Override
  public void close() throws IOException {
    closed = true;
    pass();
    listener.close();
    sessions.forEach(Session::close);
  }
}
