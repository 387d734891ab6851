package io.sheepfs.protocol.client;

import io.netty.channel.EventLoopGroup;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.OutcomeUnknownException;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.codec.Transport;
import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests to sheep. Calls block; those of all threads share a few connections, on which any
 * number of requests are in flight. Safe for any number of threads.
 *
 * <p>A request goes to the gateway, the first of the addresses that answers; when that breaks or
 * stands still, to the next. A request that can be repeated is, with growing pauses, until its time
 * is up. One that cannot is only repeated if it was surely not sent; else it fails with {@link
 * OutcomeUnknownException}.
 *
 * <p>Buffers are read or filled from position to limit, straight to and from the socket for direct
 * ones, and never touched after the call returned.
 */
public final class SheepClient implements AutoCloseable {

  /** For a node to tell its space; a lost one must not hold up who looks at all. */
  private static final Duration STAT_TIME = Duration.ofSeconds(2);

  private static final long FIRST_PAUSE_NANOS = Duration.ofMillis(20).toNanos();
  private static final long LONGEST_PAUSE_NANOS = Duration.ofSeconds(1).toNanos();

  private final EventLoopGroup group = Transport.newGroup(2, "sheep-client");
  private final ClientOptions options;
  private final List<Peer> gateways;
  private final AtomicInteger current = new AtomicInteger();
  private final Map<InetSocketAddress, Peer> others = new ConcurrentHashMap<>();
  private volatile boolean closed;

  /** What may be done again when nobody knows whether it was done. */
  public enum Repeat {
    /** Anything: a second time changes nothing. */
    ALWAYS,
    /** Nothing that may have reached a sheep. */
    IF_NOT_SENT
  }

  private SheepClient(List<InetSocketAddress> addresses, ClientOptions options) {
    if (addresses.isEmpty()) {
      throw new IllegalArgumentException("no address of a sheep");
    }
    this.options = options;
    boolean several = addresses.size() > 1;
    this.gateways =
        addresses.stream().map(address -> new Peer(group, address, options, several)).toList();
  }

  /**
   * A client that is connected to one of {@code addresses}.
   *
   * @throws SheepException {@link ResultCode#NETWORK_ERROR}, at once, if none of them answers
   */
  public static SheepClient connect(List<InetSocketAddress> addresses, ClientOptions options)
      throws SheepException {
    SheepClient client = new SheepClient(addresses, options);
    IOException last = null;
    for (int i = 0; i < addresses.size(); i++) {
      try {
        client.gateways.get(i).shared();
        client.current.set(i);
        return client;
      } catch (IOException e) {
        last = e;
      }
    }
    client.close();
    StringBuilder names = new StringBuilder();
    addresses.forEach(
        address -> names.append(names.length() == 0 ? "" : ", ").append(Connection.text(address)));
    throw networkError("no sheep answers at " + names, last);
  }

  /** The address of the gateway in use. */
  public InetSocketAddress gatewayAddress() {
    return gateway().address();
  }

  /**
   * Sends a request to the gateway and waits for its answer, whatever its result.
   *
   * @param source the body; null for none. The WRITE flag is set by itself
   * @param target where the body of the answer goes; its position moves behind it. Null for none
   */
  public ResponseHeader call(
      Opcode opcode,
      int flags,
      RequestFields fields,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target,
      Repeat repeat)
      throws SheepException {
    return call(null, opcode, flags, fields, source, target, repeat, options.requestTimeout());
  }

  /** Asks a node for its space, and not for long. */
  ResponseHeader statNode(NodeInfo node) throws SheepException {
    InetSocketAddress address = new InetSocketAddress(node.address(), node.port());
    Peer peer = others.computeIfAbsent(address, at -> new Peer(group, at, options, false));
    Duration time =
        options.requestTimeout().compareTo(STAT_TIME) < 0 ? options.requestTimeout() : STAT_TIME;
    RequestFields none = new RequestFields.None();
    return call(peer, Opcode.STAT_SHEEP, 0, none, null, null, Repeat.ALWAYS, time);
  }

  private static Stage stage(Opcode opcode) {
    return switch (opcode) {
      case READ_OBJ -> Stage.CLIENT_READ;
      case WRITE_OBJ, CREATE_AND_WRITE_OBJ, DISCARD_OBJ -> Stage.CLIENT_WRITE;
      case FLUSH_VDI -> Stage.CLIENT_FLUSH;
      default -> Stage.CLIENT_OTHER;
    };
  }

  private ResponseHeader call(
      @Nullable Peer fixed,
      Opcode opcode,
      int flags,
      RequestFields fields,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target,
      Repeat repeat,
      Duration time)
      throws SheepException {
    long begin = Stage.begin();
    try {
      return repeated(fixed, opcode, flags, fields, source, target, repeat, begin + time.toNanos());
    } finally {
      long unused = stage(opcode).end(begin);
    }
  }

  private ResponseHeader repeated(
      @Nullable Peer fixed,
      Opcode opcode,
      int flags,
      RequestFields fields,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target,
      Repeat repeat,
      long deadline)
      throws SheepException {
    RequestHeader header = header(opcode, flags, fields, source, target);
    long pause = FIRST_PAUSE_NANOS;
    while (true) {
      int turn = current.get();
      Peer peer = fixed != null ? fixed : gateways.get(turn);
      int start = target == null ? 0 : target.position();
      SheepException failure;
      try {
        ResponseHeader answer =
            exchange(peer.shared(), header, source, target, deadline - System.nanoTime(), repeat);
        if (!isPassing(opcode, answer.result())) {
          if (source != null) {
            source.position(source.limit());
          }
          return answer;
        }
        failure = new SheepException(answer.result(), describe(header, peer));
      } catch (OutcomeUnknownException e) {
        if (fixed == null) {
          current.compareAndSet(turn, (turn + 1) % gateways.size());
        }
        throw e;
      } catch (IOException e) {
        failure = networkError(describe(header, peer), e);
      }
      if (target != null) {
        target.position(start);
      }
      long left = deadline - System.nanoTime();
      if (closed || left <= 0 || Thread.currentThread().isInterrupted()) {
        throw failure;
      }
      if (fixed == null) {
        current.compareAndSet(turn, (turn + 1) % gateways.size());
      }
      LockSupport.parkNanos(Math.min(left, pause / 2 + random(pause / 2)));
      pause = Math.min(pause * 2, LONGEST_PAUSE_NANOS);
    }
  }

  static RequestHeader header(
      Opcode opcode,
      int flags,
      RequestFields fields,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target) {
    if (source != null) {
      int all = flags | RequestFlags.WRITE | (target == null ? 0 : RequestFlags.PIGGYBACK);
      return RequestHeader.of(opcode, all, source.remaining(), fields);
    }
    return RequestHeader.of(opcode, flags, target == null ? 0 : target.remaining(), fields);
  }

  /** One attempt. */
  static ResponseHeader exchange(
      Connection connection,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target,
      long nanos,
      Repeat repeat)
      throws IOException {
    Call call = new Call(header, source == null ? null : source.duplicate(), target);
    connection.start(call);
    boolean late = !call.await(nanos);
    if (late) {
      // Nothing was heard for the whole time of a request: the connection is taken for dead. Only
      // its end gives the buffers back.
      connection.close();
      call.await(Long.MAX_VALUE / 2);
    }
    ResponseHeader response = call.response();
    if (response != null) {
      return response;
    }
    IOException cause = call.failure();
    if (late) {
      SocketTimeoutException timeout = new SocketTimeoutException("no answer in time");
      timeout.initCause(cause);
      cause = timeout;
    }
    if (cause == null) {
      throw new IllegalStateException("a call ended with neither answer nor failure");
    }
    if (repeat == Repeat.IF_NOT_SENT && call.sent()) {
      throw new OutcomeUnknownException(header.toString(), cause);
    }
    throw cause;
  }

  /** Whether a result only says that the sheep cannot do it right now, and has not done it. */
  static boolean isPassing(Opcode opcode, ResultCode result) {
    return switch (result) {
      case STARTUP, OLD_NODE_VER, NEW_NODE_VER, AGAIN, COLLECTING_CINFO -> true;
      case WAIT_FOR_JOIN, SHUTDOWN, KILLED -> !opcode.servedWhileWaiting();
      default -> false;
    };
  }

  /** A connection to the gateway that is the caller's alone; the caller closes it. */
  Connection dedicated() throws IOException {
    int turn = current.get();
    try {
      return gateways.get(turn).dedicated();
    } catch (IOException e) {
      current.compareAndSet(turn, (turn + 1) % gateways.size());
      throw e;
    }
  }

  long requestTimeoutNanos() {
    return options.requestTimeout().toNanos();
  }

  private Peer gateway() {
    return gateways.get(current.get());
  }

  private static String describe(RequestHeader header, Peer peer) {
    return header + " to " + Connection.text(peer.address());
  }

  static SheepException networkError(String what, @Nullable IOException cause) {
    return cause == null
        ? new SheepException(ResultCode.NETWORK_ERROR, what)
        : new SheepException(ResultCode.NETWORK_ERROR, what, cause);
  }

  private static long random(long bound) {
    return ThreadLocalRandom.current().nextLong(Math.max(1, bound));
  }

  /** Closes all connections. Calls in progress fail. */
  @Override
  public void close() {
    closed = true;
    gateways.forEach(Peer::close);
    others.values().forEach(Peer::close);
    group.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly(3, TimeUnit.SECONDS);
  }
}
