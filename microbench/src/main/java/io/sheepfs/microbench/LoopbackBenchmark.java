package io.sheepfs.microbench;

import io.sheepfs.protocol.HeaderLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.SheepClient;
import io.sheepfs.protocol.client.SheepClient.Repeat;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * Requests over the loopback, one under way for each thread ({@code -t N}):
 *
 * <ul>
 *   <li>{@code raw}: a blocking channel for each thread against the {@link NullSheep}. What the
 *       kernel gives, the measure for the others;
 *   <li>{@code client}: one {@link SheepClient} for all threads against the same peer. What the
 *       client adds, and allocates;
 *   <li>{@code sheep}: the same client against our server over a store in memory.
 * </ul>
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 3, time = 2)
public class LoopbackBenchmark {

  private static final ObjectId OID = ObjectId.data(new VdiId(1), 0);
  private static final RequestFields FIELDS = RequestFields.Obj.of(OID, 0);

  /** Bytes of the body. */
  @State(Scope.Benchmark)
  public static class Size {
    /** 4 KiB and a whole object. */
    @Param({"4096", "4194304"})
    int size;
  }

  /** A thread's buffer. */
  @State(Scope.Thread)
  public static class Body {
    private ByteBuffer bytes = ByteBuffer.allocateDirect(0);

    /** Makes it. */
    @Setup
    public void allocate(Size size) {
      bytes = ByteBuffer.allocateDirect(size.size);
    }
  }

  /** The peer of {@code raw} and {@code client}. */
  @State(Scope.Benchmark)
  public static class NullPeer {
    private final NullSheep sheep;

    /** Starts it. */
    public NullPeer() {
      try {
        sheep = new NullSheep();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Ends it. */
    @TearDown
    public void close() throws IOException {
      sheep.close();
    }
  }

  /** A thread's socket, and its requests as bytes. */
  @State(Scope.Thread)
  public static class RawSocket {
    private final SocketChannel channel;
    private ByteBuffer body = ByteBuffer.allocateDirect(0);
    private ByteBuffer read = ByteBuffer.allocateDirect(0);
    private ByteBuffer[] write = {};
    private ByteBuffer[] answer = {};

    /** Opens it, unconnected. */
    public RawSocket() {
      try {
        channel = SocketChannel.open();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Connects it. */
    @Setup
    public void connect(NullPeer peer, Size size) throws IOException {
      channel.connect(peer.sheep.address());
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      int length = size.size;
      body = ByteBuffer.allocateDirect(length);
      read = encoded(RequestHeader.of(Opcode.READ_OBJ, 0, length, FIELDS));
      RequestHeader header = RequestHeader.of(Opcode.WRITE_OBJ, RequestFlags.WRITE, length, FIELDS);
      write = new ByteBuffer[] {encoded(header), body};
      answer = new ByteBuffer[] {ByteBuffer.allocateDirect(HeaderLayout.SIZE_BYTES), body};
    }

    private static ByteBuffer encoded(RequestHeader header) {
      ByteBuffer bytes = ByteBuffer.allocateDirect(HeaderLayout.SIZE_BYTES);
      header.encode(bytes);
      return bytes.flip();
    }

    /** Closes it. */
    @TearDown
    public void close() throws IOException {
      channel.close();
    }
  }

  /** The client against the null sheep. */
  @State(Scope.Benchmark)
  public static class ClientOfNull extends Connected {
    /** Connects. */
    @Setup
    public void open(NullPeer peer) throws IOException {
      connect(peer.sheep.address());
    }

    /** Closes the client. */
    @TearDown
    public void closeClient() {
      close();
    }
  }

  /** The client against our server. */
  @State(Scope.Benchmark)
  public static class ClientOfSheep extends Connected {
    private final MemorySheep sheep;

    /** Starts the server. */
    public ClientOfSheep() {
      try {
        sheep = new MemorySheep();
      } catch (IOException e) {
        throw new IllegalStateException(e);
      }
    }

    /** Connects, and makes the object. */
    @Setup
    public void open(Size size) throws IOException {
      connect(sheep.address());
      ByteBuffer body = ByteBuffer.allocateDirect(size.size);
      check(client().call(Opcode.CREATE_AND_WRITE_OBJ, 0, FIELDS, body, null, Repeat.ALWAYS), 0);
    }

    /** Ends the server. */
    @TearDown
    public void closeSheep() throws IOException {
      close();
      sheep.close();
    }
  }

  /** A connected client, for all threads. */
  abstract static class Connected {
    private @Nullable SheepClient client;

    SheepClient client() {
      return Objects.requireNonNull(client);
    }

    void connect(InetSocketAddress address) throws IOException {
      client = SheepClient.connect(List.of(address), ClientOptions.DEFAULTS);
    }

    void close() {
      client().close();
    }

    ResponseHeader read(ByteBuffer target) throws IOException {
      ResponseHeader answer =
          client().call(Opcode.READ_OBJ, 0, FIELDS, null, target.clear(), Repeat.ALWAYS);
      return check(answer, target.capacity());
    }

    ResponseHeader write(ByteBuffer source) throws IOException {
      return check(
          client()
              .call(
                  Opcode.WRITE_OBJ,
                  RequestFlags.CACHE,
                  FIELDS,
                  source.clear(),
                  null,
                  Repeat.ALWAYS),
          0);
    }

    static ResponseHeader check(ResponseHeader answer, int length) {
      if (answer.result() != ResultCode.SUCCESS || answer.dataLength() != length) {
        throw new IllegalStateException(answer.toString());
      }
      return answer;
    }
  }

  @Benchmark
  public void rawRead(RawSocket socket) throws IOException {
    NullSheep.send(socket.channel, socket.read.rewind());
    socket.answer[0].rewind();
    socket.body.rewind();
    while (socket.body.hasRemaining()) {
      if (socket.channel.read(socket.answer) < 0) {
        throw new IOException("closed");
      }
    }
  }

  @Benchmark
  public void rawWrite(RawSocket socket) throws IOException {
    socket.write[0].rewind();
    socket.body.rewind();
    while (socket.body.hasRemaining()) {
      socket.channel.write(socket.write);
    }
    NullSheep.receive(socket.channel, socket.answer[0].rewind());
  }

  @Benchmark
  public ResponseHeader clientRead(ClientOfNull peer, Body body) throws IOException {
    return peer.read(body.bytes);
  }

  @Benchmark
  public ResponseHeader clientWrite(ClientOfNull peer, Body body) throws IOException {
    return peer.write(body.bytes);
  }

  @Benchmark
  public ResponseHeader sheepRead(ClientOfSheep peer, Body body) throws IOException {
    return peer.read(body.bytes);
  }

  @Benchmark
  public ResponseHeader sheepWrite(ClientOfSheep peer, Body body) throws IOException {
    return peer.write(body.bytes);
  }
}
