package io.sheepfs.dog;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.client.ClientOptions;
import java.io.ByteArrayOutputStream;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs commands in this process, against a cluster in memory, and keeps what they print. */
final class DogRunner extends DogConsole {

  /** Answers one request. */
  interface Answers {
    Reply answer(RequestHeader request, ByteBuffer body);
  }

  private final MemoryCluster cluster;
  private final List<RequestHeader> requests = new ArrayList<>();
  private Answers answers = (request, body) -> reply(request, ResultCode.NO_SUPPORT);
  private int connections;
  private MemoryCluster.Fault fault = MemoryCluster.Fault.none();

  DogRunner(MemoryCluster cluster) {
    this.cluster = cluster;
  }

  /** The world of a command that is only looked at. */
  static Environment unconnected() {
    return environment(
        new byte[0],
        new DogRunner(new MemoryCluster()).network(),
        new ByteArrayOutputStream(),
        new ByteArrayOutputStream());
  }

  /** What raw requests to nodes are answered from now on. */
  void answer(Answers newAnswers) {
    answers = newAnswers;
  }

  /** Tells of each call to the cluster from now on, before it is carried out. */
  void watch(Consumer<MemoryCluster.Call> watcher) {
    fault = watcher::accept;
  }

  static Reply reply(RequestHeader request, ResultCode result) {
    return reply(request, result, new ResponseFields.None(), new byte[0]);
  }

  static Reply reply(RequestHeader request, ResultCode result, ResponseFields fields, byte[] body) {
    return new Reply(
        ResponseHeader.to(request, 1, result, body.length, fields),
        ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN));
  }

  @Override
  Environment.Network network() {
    return new FakeNetwork();
  }

  @Override
  int run(byte[] input, String... args) {
    requests.clear();
    connections = 0;
    return super.run(input, args);
  }

  /** The raw requests of the last command. */
  List<RequestHeader> requests() {
    return requests;
  }

  /** How many connections the last command asked for. */
  int connections() {
    return connections;
  }

  private final class FakeNetwork implements Environment.Network {
    @Override
    public Cluster cluster(InetSocketAddress address, ClientOptions options) {
      connections++;
      MemoryCluster session = cluster.newSession();
      session.setFault(fault);
      return session;
    }

    @Override
    public Sheep sheep(InetSocketAddress address, ClientOptions options) {
      connections++;
      return new Sheep() {
        @Override
        public Reply call(
            Opcode opcode,
            int flags,
            RequestFields fields,
            @Nullable ByteBuffer body,
            int answerBytes) {
          return body == null
              ? answer(RequestHeader.of(opcode, flags, answerBytes, fields), ByteBuffer.allocate(0))
              : answer(
                  RequestHeader.of(opcode, flags | RequestFlags.WRITE, body.remaining(), fields),
                  body);
        }

        private Reply answer(RequestHeader request, ByteBuffer body) {
          requests.add(request);
          return answers.answer(request, body);
        }

        @Override
        public void close() {}
      };
    }
  }
}
