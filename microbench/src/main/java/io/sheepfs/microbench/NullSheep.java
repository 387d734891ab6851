package io.sheepfs.microbench;

import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.RequestFlags;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The least that can answer a client: it drops what is written, answers reads with zeros, and
 * allocates nothing per request. What a benchmark against it allocates, the client does.
 *
 * <p>One thread for each connection, which answers one request after the other.
 */
final class NullSheep implements AutoCloseable {

  private static final int MAX_BODY_BYTES = 16 << 20;
  private static final int FLAGS = 2;
  private static final int DATA_LENGTH = 12;

  private final ServerSocketChannel listener = ServerSocketChannel.open();
  private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();

  NullSheep() throws IOException {
    listener.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    start("null-sheep", this::accept);
  }

  InetSocketAddress address() throws IOException {
    return (InetSocketAddress) listener.getLocalAddress();
  }

  private static void start(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
  }

  private void accept() {
    try {
      while (true) {
        SocketChannel connection = listener.accept();
        connection.setOption(StandardSocketOptions.TCP_NODELAY, true);
        connections.add(connection);
        start("null-sheep-connection", () -> serve(connection));
      }
    } catch (IOException closed) {
      // by close()
    }
  }

  private static void serve(SocketChannel connection) {
    ByteBuffer buffer =
        ByteBuffer.allocateDirect(HeaderLayout.SIZE_BYTES + MAX_BODY_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    try {
      while (true) {
        receive(connection, buffer.position(0).limit(HeaderLayout.SIZE_BYTES));
        int length = Math.min(buffer.getInt(DATA_LENGTH), MAX_BODY_BYTES);
        int answer = length;
        if ((buffer.getShort(FLAGS) & RequestFlags.WRITE) != 0) {
          receive(connection, buffer.limit(HeaderLayout.SIZE_BYTES + length));
          answer = 0;
        }
        toAnswer(buffer, answer);
        send(connection, buffer.position(0).limit(HeaderLayout.SIZE_BYTES + answer));
      }
    } catch (IOException closed) {
      // by either side
    }
  }

  /** Opcode and id stay; the version, the flags and the fields are 0, which is success. */
  private static void toAnswer(ByteBuffer buffer, int length) {
    buffer.put(0, (byte) 0).putShort(FLAGS, (short) 0).putInt(DATA_LENGTH, length);
    for (int at = DATA_LENGTH + Integer.BYTES; at < HeaderLayout.SIZE_BYTES; at += Long.BYTES) {
      buffer.putLong(at, 0);
    }
  }

  /** Fills {@code buffer} to its limit. */
  static void receive(SocketChannel connection, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      if (connection.read(buffer) < 0) {
        throw new IOException("closed");
      }
    }
  }

  /** Sends {@code buffer} to its limit. */
  static void send(SocketChannel connection, ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      connection.write(buffer);
    }
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (SocketChannel connection : connections) {
      connection.close();
    }
  }
}
