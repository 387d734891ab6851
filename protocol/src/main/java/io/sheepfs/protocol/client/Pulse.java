package io.sheepfs.protocol.client;

import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;
import io.netty.util.concurrent.Future;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Whether the sheep at the other end of a connection still lives. A request may take minutes, when
 * a cluster waits for one of its nodes; so silence alone says nothing. But a sheep that lives tells
 * its list of nodes at once, whatever else it waits for. One that does not within {@link
 * #ANSWER_TIME} is given up, and the connection is reset, so that nothing that was sent is
 * delivered any more when the network comes back. So is one that answers that it is cut off from
 * the rest of its cluster.
 *
 * <p><b>Late requests.</b> What a frozen sheep has in its socket buffer it would carry out when it
 * thaws, over what the client wrote through another one meanwhile. Our sheep turns away what came
 * over connections that are older than a standstill of theirs, if that was longer than {@link
 * #LONGEST_STANDSTILL}; which it was if the client gave up, as that is shorter than {@link
 * #ANSWER_TIME}. And no request goes over a new connection before the sheep proved that it lives.
 *
 * <p>Confined to the event loop of the connection, but for {@link #prove} and {@link #start}.
 */
public final class Pulse {

  /** After a longer standstill a sheep must not carry out what it was sent before. */
  public static final Duration LONGEST_STANDSTILL = Duration.ofSeconds(4);

  /** How long the answer to the question whether it lives is waited for. */
  static final Duration ANSWER_TIME = Duration.ofSeconds(6);

  /** After this silence, with requests under way, the sheep is asked. */
  private static final int SILENT_TURNS = 3;

  private static final Duration TURN = Duration.ofSeconds(1);
  private static final int NODES = 64;

  private final Channel channel;
  private final Connection.Exchange exchange;
  private long heard;
  private int silentTurns;
  private @Nullable Call question;
  private long askedNanos;

  Pulse(Channel channel, Connection.Exchange exchange) {
    this.channel = channel;
    this.exchange = exchange;
  }

  private static Call question() {
    int room = NODES * NodeRecord.SIZE_BYTES;
    RequestHeader header =
        RequestHeader.of(Opcode.GET_NODE_LIST, 0, room, new RequestFields.None());
    return new Call(header, null, ByteBuffer.allocate(room));
  }

  /** Returns when the sheep has answered, whatever the answer. */
  void prove() throws IOException {
    Call call = question();
    channel.eventLoop().execute(() -> exchange.send(channel, call));
    if (!call.await(ANSWER_TIME.toNanos())) {
      giveUp();
      throw new SocketTimeoutException("the sheep accepts connections, but does not answer");
    }
    IOException failure = call.failure();
    if (failure != null) {
      throw failure;
    }
    if (isAside(call)) {
      throw new ConnectException("the sheep is cut off from its cluster");
    }
  }

  /** Looks after the connection until it ends. */
  void start() {
    Future<?> turns =
        channel
            .eventLoop()
            .scheduleWithFixedDelay(
                this::look, TURN.toMillis(), TURN.toMillis(), TimeUnit.MILLISECONDS);
    channel.closeFuture().addListener(closed -> turns.cancel(false));
  }

  /** Whether the sheep has answered that another would serve better; the original never does. */
  private static boolean isAside(Call asked) {
    ResponseHeader answer = asked.response();
    return answer != null
        && answer.result() == ResultCode.SUCCESS
        && answer.node().storeFree() != 0;
  }

  private void look() {
    if (question != null && isAside(question)) {
      giveUp();
      return;
    }
    if (exchange.isIdle() || exchange.heard() != heard) {
      heard = exchange.heard();
      silentTurns = 0;
      question = null;
      return;
    }
    if (question != null) {
      if (System.nanoTime() - askedNanos > ANSWER_TIME.toNanos()) {
        giveUp();
      }
      return;
    }
    if (++silentTurns >= SILENT_TURNS) {
      Call asked = question();
      question = asked;
      askedNanos = System.nanoTime();
      exchange.send(channel, asked);
    }
  }

  private void giveUp() {
    channel.config().setOption(ChannelOption.SO_LINGER, 0);
    ChannelFuture unused = channel.close();
  }
}
