package io.sheepfs.dog;

import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.OutcomeUnknownException;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * A blocking connection to a node. A plain socket, since a command asks one question and ends:
 * starting an event loop for it would take longer than the question.
 */
final class SheepSocket implements Sheep {

  private static final int CONNECT_TIMEOUT_MILLIS = 5_000;

  /** As the original: an answer that takes longer does not come. */
  private static final int ANSWER_TIMEOUT_MILLIS = 30_000;

  /** More than any answer to an administrator has. */
  private static final long MAX_BODY_BYTES = 64L << 20;

  private final InetSocketAddress address;
  private final Socket socket;

  private SheepSocket(InetSocketAddress address, Socket socket) {
    this.address = address;
    this.socket = socket;
  }

  /**
   * Connects.
   *
   * @throws SheepException {@link ResultCode#NETWORK_ERROR} if nobody answers there
   */
  static SheepSocket connect(InetSocketAddress address) throws SheepException {
    Socket socket = new Socket();
    try {
      socket.connect(address, CONNECT_TIMEOUT_MILLIS);
      socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
      socket.setSoTimeout(ANSWER_TIMEOUT_MILLIS);
      return new SheepSocket(address, socket);
    } catch (IOException e) {
      try {
        socket.close();
      } catch (IOException suppressed) {
        e.addSuppressed(suppressed);
      }
      throw new SheepException(ResultCode.NETWORK_ERROR, "connect to " + text(address), e);
    }
  }

  @Override
  public synchronized Reply call(RequestHeader request, ByteBuffer body) throws SheepException {
    try {
      ByteBuffer out = ByteBuffer.allocate(HeaderLayout.SIZE_BYTES + body.remaining());
      request.encode(out);
      out.put(body);
      socket.getOutputStream().write(out.array());
      InputStream in = socket.getInputStream();
      ResponseHeader header =
          ResponseHeader.decode(ByteBuffer.wrap(readFully(in, HeaderLayout.SIZE_BYTES)));
      if (header.dataLength() > MAX_BODY_BYTES) {
        throw new IOException("an answer of " + header.dataLength() + " bytes");
      }
      byte[] answer = readFully(in, (int) header.dataLength());
      return new Reply(header, ByteBuffer.wrap(answer).order(ByteOrder.LITTLE_ENDIAN));
    } catch (IOException e) {
      throw new OutcomeUnknownException(request + " to " + text(address), e);
    }
  }

  private static byte[] readFully(InputStream in, int length) throws IOException {
    byte[] bytes = in.readNBytes(length);
    if (bytes.length < length) {
      throw new EOFException("the connection ended");
    }
    return bytes;
  }

  private static String text(InetSocketAddress address) {
    return address.getHostString() + ":" + address.getPort();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
