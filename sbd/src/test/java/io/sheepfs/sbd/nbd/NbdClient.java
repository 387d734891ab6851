package io.sheepfs.sbd.nbd;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A client that speaks the protocol word by word, so that tests can also speak it wrongly. */
@SuppressWarnings("ArrayRecordComponent") // nobody compares them
final class NbdClient implements AutoCloseable {

  /** An answer to an option. */
  record Reply(int type, byte[] data) {
    String text() {
      return new String(data, StandardCharsets.UTF_8);
    }
  }

  /** An answer to a request, its chunks put together. Holes are zeros in the data. */
  record Answer(int error, byte[] data, List<int[]> extents, int holes) {}

  private static final int TIMEOUT_MILLIS = 60_000;

  final DataInputStream in;
  final DataOutputStream out;
  private final Socket socket;
  long sizeBytes;
  int flags;
  boolean structured;
  private long cookie = 1;

  NbdClient(int port) throws IOException {
    socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(TIMEOUT_MILLIS);
    socket.setTcpNoDelay(true);
    in = new DataInputStream(socket.getInputStream());
    out = new DataOutputStream(socket.getOutputStream());
    assertEquals(Wire.INIT_MAGIC, in.readLong());
    assertEquals(Wire.OPTION_MAGIC, in.readLong());
    assertEquals(Wire.FIXED_NEWSTYLE | Wire.NO_ZEROES, in.readUnsignedShort());
  }

  /** A client that has greeted. */
  static NbdClient greeted(int port) throws IOException {
    NbdClient client = new NbdClient(port);
    client.out.writeInt(Wire.FIXED_NEWSTYLE | Wire.NO_ZEROES);
    return client;
  }

  /** A client in the middle of an export, with structured replies and allocation. */
  static NbdClient using(int port, String export) throws IOException {
    NbdClient client = greeted(port);
    client.structure();
    assertEquals(Wire.REPLY_META_CONTEXT, client.context(export).get(0).type());
    List<Reply> replies = client.go(export);
    assertEquals(Wire.REPLY_ACK, last(replies).type(), () -> last(replies).text());
    return client;
  }

  static Reply last(List<Reply> replies) {
    return replies.get(replies.size() - 1);
  }

  void sendOption(int option, byte[] data) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream message = new DataOutputStream(bytes);
    message.writeLong(Wire.OPTION_MAGIC);
    message.writeInt(option);
    message.writeInt(data.length);
    message.write(data);
    out.write(bytes.toByteArray());
  }

  /** Sends an option and reads its answers to the last one. */
  List<Reply> option(Option option, byte[] data) throws IOException {
    sendOption(option.code(), data);
    return replies(option.code());
  }

  List<Reply> replies(int option) throws IOException {
    List<Reply> replies = new ArrayList<>();
    do {
      assertEquals(Wire.OPTION_REPLY_MAGIC, in.readLong());
      assertEquals(option, in.readInt());
      int type = in.readInt();
      replies.add(new Reply(type, in.readNBytes(in.readInt())));
    } while (last(replies).type() > 0 && last(replies).type() != Wire.REPLY_ACK);
    return replies;
  }

  void structure() throws IOException {
    List<Reply> replies = option(Option.STRUCTURED_REPLY, new byte[0]);
    assertEquals(Wire.REPLY_ACK, last(replies).type());
    structured = true;
  }

  List<Reply> context(String export) throws IOException {
    return option(Option.SET_META_CONTEXT, contextData(export, "base:allocation"));
  }

  static byte[] contextData(String export, String... queries) {
    ByteBuffer data = ByteBuffer.allocate(1 << 14);
    put(data, export);
    data.putInt(queries.length);
    for (String query : queries) {
      put(data, query);
    }
    return bytes(data);
  }

  static byte[] useData(String export) {
    ByteBuffer data = ByteBuffer.allocate(1 << 14);
    put(data, export);
    data.putShort((short) 1).putShort((short) Wire.INFO_BLOCK_SIZE);
    return bytes(data);
  }

  private static void put(ByteBuffer data, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    data.putInt(bytes.length).put(bytes);
  }

  private static byte[] bytes(ByteBuffer data) {
    byte[] bytes = new byte[data.flip().remaining()];
    data.get(bytes);
    return bytes;
  }

  List<Reply> go(String export) throws IOException {
    List<Reply> replies = option(Option.GO, useData(export));
    takeExport(replies);
    return replies;
  }

  void takeExport(List<Reply> replies) {
    for (Reply reply : replies) {
      ByteBuffer data = ByteBuffer.wrap(reply.data());
      if (reply.type() == Wire.REPLY_INFO && data.getShort() == Wire.INFO_EXPORT) {
        sizeBytes = data.getLong();
        flags = data.getShort() & 0xFFFF;
      }
    }
  }

  long send(int command, int requestFlags, long offset, long length, byte[] payload)
      throws IOException {
    ByteBuffer request = ByteBuffer.allocate(Wire.REQUEST_BYTES + payload.length);
    request.putInt(Wire.REQUEST_MAGIC).putShort((short) requestFlags).putShort((short) command);
    request.putLong(cookie).putLong(offset).putInt((int) length).put(payload);
    out.write(request.array());
    return cookie++;
  }

  /** One request and its answer, with none other under way. */
  Answer call(Command command, int requestFlags, long offset, long length) throws IOException {
    long sent = send(command.code(), requestFlags, offset, length, new byte[0]);
    return answer(sent, command == Command.READ ? (int) length : 0, offset);
  }

  int write(long offset, byte[] data, int requestFlags) throws IOException {
    long sent = send(Command.WRITE.code(), requestFlags, offset, data.length, data);
    return answer(sent, 0, offset).error();
  }

  byte[] read(long offset, int length) throws IOException {
    Answer answer = call(Command.READ, 0, offset, length);
    assertEquals(0, answer.error());
    return answer.data();
  }

  /** The answers to reads of data in one piece each, by cookie, in whatever order they come. */
  Map<Long, byte[]> reads(int count, int length) throws IOException {
    Map<Long, byte[]> answers = new HashMap<>();
    for (int i = 0; i < count; i++) {
      assertEquals(Wire.CHUNK_MAGIC, in.readInt());
      assertEquals(Wire.CHUNK_DONE, in.readUnsignedShort());
      assertEquals(Wire.CHUNK_DATA, in.readUnsignedShort());
      long sent = in.readLong();
      assertEquals(Long.BYTES + length, in.readInt());
      long unusedOffset = in.readLong();
      answers.put(sent, in.readNBytes(length));
    }
    return answers;
  }

  Answer answer(long sent, int readBytes, long offset) throws IOException {
    int magic = in.readInt();
    byte[] data = new byte[readBytes];
    List<int[]> extents = new ArrayList<>();
    if (magic == Wire.SIMPLE_REPLY_MAGIC) {
      int error = in.readInt();
      assertEquals(sent, in.readLong());
      if (error == 0) {
        in.readFully(data);
      }
      return new Answer(error, data, extents, 0);
    }
    int error = 0;
    int holes = 0;
    while (true) {
      assertEquals(Wire.CHUNK_MAGIC, magic);
      int chunkFlags = in.readUnsignedShort();
      int type = in.readUnsignedShort();
      assertEquals(sent, in.readLong());
      ByteBuffer body = ByteBuffer.wrap(in.readNBytes(in.readInt()));
      switch (type) {
        case Wire.CHUNK_DATA -> {
          int at = (int) (body.getLong() - offset);
          body.get(data, at, body.remaining());
        }
        case Wire.CHUNK_HOLE -> holes++;
        case Wire.CHUNK_BLOCK_STATUS -> {
          assertEquals(Wire.BASE_ALLOCATION_ID, body.getInt());
          while (body.hasRemaining()) {
            extents.add(new int[] {body.getInt(), body.getInt()});
          }
        }
        case Wire.CHUNK_ERROR -> error = body.getInt();
        case Wire.CHUNK_NONE -> {}
        default -> throw new IOException("chunk of type " + type);
      }
      if ((chunkFlags & Wire.CHUNK_DONE) != 0) {
        return new Answer(error, data, extents, holes);
      }
      magic = in.readInt();
    }
  }

  /** Whether the server has closed the connection; waits until it does or speaks. */
  boolean isCutOff() {
    try {
      return in.read() < 0;
    } catch (java.net.SocketTimeoutException e) {
      throw new AssertionError("the server neither speaks nor closes", e);
    } catch (IOException e) {
      return true;
    }
  }

  /** Says good-bye, as clients do. */
  void disconnect() throws IOException {
    send(Command.DISCONNECT.code(), 0, 0, 0, new byte[0]);
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
