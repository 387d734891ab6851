package io.sheepfs.store.server;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseFields;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiBitmap;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.store.cluster.ClusterSheep;
import io.sheepfs.store.cluster.Leadership.Leader;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the requests of clients carried out by the leader: here, or over there. A client sees a pause
 * when the leader changes, and nothing else, unless it holds something there.
 *
 * <p>Cluster operations of one client go over a connection of its own, so that its leases live and
 * end with it. When that connection breaks while there are any, so does the client's: it has to
 * learn that its leases are gone. So it does when nobody knows whether a VDI was made, or whether
 * an object was changed: to change it once more could undo what somebody has written since, and
 * what is still on its way could, too. Only the client can do it again, under another lease.
 *
 * <p>Safe for any number of threads.
 */
final class ClusterRouter {

  private static final Logger log = LoggerFactory.getLogger(ClusterRouter.class);

  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /**
   * For the answer of a leader, which waits for others itself. It ends early only if the leader
   * leaves: what it may still be doing must not be tried again beside it.
   */
  private static final Duration LEADERS_TIME = Duration.ofMinutes(5);

  private final ClusterSheep sheep;
  private final Map<Object, Upstream> upstreams = new ConcurrentHashMap<>();

  /**
   * The connection to the leader for the cluster operations of one client, which come one after the
   * other.
   */
  private static final class Upstream {
    private final InetSocketAddress leader;
    private final PeerLinks.Link link;

    /** Whether the client got a lock over it. */
    private volatile boolean holds;

    Upstream(InetSocketAddress leader, PeerLinks.Link link) {
      this.leader = leader;
      this.link = link;
    }

    boolean leadsTo(@Nullable InetSocketAddress now) {
      return leader.equals(now) && link.isOpen();
    }
  }

  ClusterRouter(ClusterSheep sheep) {
    this.sheep = sheep;
    sheep.onEpoch(this::checkUpstreams);
  }

  /** Whether an operation is the leader's to carry out. */
  static boolean isForLeader(Opcode opcode, RequestHeader header) {
    if (opcode == Opcode.REPAIR_REPLICA) { // by a client; sheep do it on their own
      return !header.has(RequestFlags.RECOVERY);
    }
    return switch (opcode) {
      case CREATE_AND_WRITE_OBJ, READ_OBJ, WRITE_OBJ, REMOVE_OBJ, DISCARD_OBJ, FLUSH_VDI -> true;
      case NEW_VDI, LOCK_VDI, RELEASE_VDI, GET_VDI_INFO, DEL_VDI, GET_VDI_ATTR -> true;
      case READ_VDIS, READ_DEL_VDIS, GET_VDI_COPIES, REWEIGHT -> true;
      case ALTER_CLUSTER_COPY, ALTER_VDI_COPY -> true;
      default -> false;
    };
  }

  /** Whether it may be tried again when nobody knows whether it was done. */
  private static boolean isRepeatable(Opcode opcode) {
    return switch (opcode) {
      // what was perhaps made would be found in the way
      case NEW_VDI, GET_VDI_ATTR -> false;
      // somebody may have written since, and have been answered
      case CREATE_AND_WRITE_OBJ, WRITE_OBJ, REMOVE_OBJ, DISCARD_OBJ -> false;
      // a lock ends with the connection over which it may have been taken, and what is deleted
      // stays deleted
      default -> true;
    };
  }

  /** Whether a result says something of the moment, so that nothing was done. */
  private static boolean isPassing(ResultCode result) {
    return switch (result) {
      case NEW_NODE_VER, OLD_NODE_VER, STARTUP, WAIT_FOR_JOIN, SHUTDOWN, KILLED -> true;
      default -> false;
    };
  }

  /** A client is gone, and what it holds at the leader goes with it. */
  void disconnected(Object connection) {
    Upstream upstream = upstreams.remove(connection);
    if (upstream != null) {
      upstream.link.close();
    }
  }

  private void checkUpstreams(@Nullable NodeInfo leader) {
    InetSocketAddress now = leader == null ? null : address(leader);
    upstreams.forEach(
        (connection, upstream) -> {
          if (!upstream.leadsTo(now)) {
            giveUp(connection, upstream);
          }
        });
  }

  /** Ends a connection to a leader; with it ends the client's, if it held something there. */
  private void giveUp(Object connection, Upstream upstream) {
    upstream.link.close();
    if (upstream.holds) {
      abandon(connection);
    } else {
      upstreams.remove(connection, upstream);
    }
  }

  private static void abandon(Object connection) {
    if (connection instanceof Caller client) {
      client.abandon();
    }
  }

  private static InetSocketAddress address(NodeInfo node) {
    return new InetSocketAddress(node.address(), node.port());
  }

  /**
   * Carries a request out or passes it on.
   *
   * @param here carries it out on this node
   */
  Answer answer(Request request, Opcode opcode, Supplier<Answer> here) {
    if (request.header().has(RequestFlags.FORWARD)) {
      return answerPassedOn(request, here);
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    boolean mayBeDone = false;
    while (true) {
      try {
        Leader lead = sheep.leadership().await(deadline);
        if (isGivenUp(request)) {
          abandon(request.connection());
          return Answer.of(ResultCode.NETWORK_ERROR);
        }
        NodeInfo leader = lead.node();
        Answer answer = leader == null ? here.get() : passOn(request, opcode, lead.epoch(), leader);
        boolean passing = isPassing(answer.result());
        boolean isKnown = !passing && answer.result() != ResultCode.NETWORK_ERROR;
        if (isKnown && (leader != null || sheep.leadership().isCertain())) {
          return mayBeDone ? again(opcode, answer) : answer;
        }
        answer.body().release();
        // what was done by one who may not lead any more was perhaps not done
        mayBeDone |= !passing;
        if (!mayBeDone && System.nanoTime() > deadline) {
          return Answer.of(answer.result());
        }
      } catch (SheepException e) {
        return refusal(request, opcode, e.result());
      } catch (IOException e) {
        log.debug("{} is not answered: {}", request.header(), e.toString());
        mayBeDone = true;
      }
      if (mayBeDone && (!isRepeatable(opcode) || System.nanoTime() > deadline)) {
        // the client alone can look whether it was
        abandon(request.connection());
        return Answer.of(ResultCode.NETWORK_ERROR);
      }
      try {
        sheep.leadership().awaitChange();
      } catch (SheepException ended) {
        return Answer.of(ended.result());
      }
    }
  }

  /** Whether its sender may have asked once more over another connection, and gone on since. */
  private static boolean isGivenUp(Request request) {
    return request.connection() instanceof Caller sender
        && (sender.isOutlived() || sender.hasTurnedAway());
  }

  /** Without a format there are no VDIs; dog asks for them before it formats. */
  private static Answer refusal(Request request, Opcode opcode, ResultCode result) {
    return opcode == Opcode.READ_VDIS
            && result == ResultCode.WAIT_FOR_FORMAT
            && request.header().answerLimit() == VdiBitmap.SIZE_BYTES
        ? Answer.body(ByteBuffer.allocate(VdiBitmap.SIZE_BYTES))
        : Answer.of(result);
  }

  /** The answer to a second attempt, after a first one that may have been carried out. */
  private static Answer again(Opcode opcode, Answer answer) {
    boolean gone = opcode == Opcode.DEL_VDI && answer.result() == ResultCode.NO_VDI;
    return gone ? Answer.SUCCESS : answer;
  }

  /**
   * Whoever passed it on thinks that this node leads in an epoch. In any other it is refused: it
   * may have been on its way for long, and was perhaps tried again since then. So is one whose
   * connection has ended while it waited for its turn here.
   */
  private Answer answerPassedOn(Request request, Supplier<Answer> here) {
    if (!sheep.leadership().isCertain(request.header().epoch())) {
      return Answer.of(ResultCode.NEW_NODE_VER);
    }
    if (isGivenUp(request)) {
      abandon(request.connection());
      return Answer.of(ResultCode.NETWORK_ERROR);
    }
    Answer answer = here.get();
    if (isPassing(answer.result()) || sheep.leadership().isCertain()) {
      return answer;
    }
    answer.body().release();
    return Answer.of(ResultCode.NETWORK_ERROR);
  }

  private Answer passOn(Request request, Opcode opcode, int epoch, NodeInfo leader)
      throws IOException {
    RequestHeader asked = request.header();
    RequestHeader header =
        new RequestHeader(
            asked.protoVersion(),
            asked.opcodeCode(),
            asked.flags() | RequestFlags.FORWARD,
            epoch,
            0,
            asked.dataLength(),
            asked.union());
    ByteBuffer source = asked.has(RequestFlags.WRITE) ? request.bytes() : null;
    int room = (int) Math.min(asked.answerLimit(), 1 << 24);
    ByteBuf body = room == 0 ? Unpooled.EMPTY_BUFFER : request.allocator().directBuffer(room);
    boolean done = false;
    try {
      ByteBuffer target = room == 0 ? null : body.internalNioBuffer(0, room).slice();
      ResponseHeader answer =
          opcode.scope() == Opcode.Scope.CLUSTER
              ? exchangeInOrder(request.connection(), leader, opcode, header, source, target)
              : sheep.links().exchange(address(leader), header, source, target, LEADERS_TIME);
      if (answer.result() == ResultCode.NETWORK_ERROR) {
        throw new IOException("the leader may have lost its lead meanwhile");
      }
      if (target != null) {
        body.writerIndex(target.position());
      }
      done = true;
      return new Answer(answer.result(), new ResponseFields.Raw(answer.union()), body);
    } finally {
      if (!done) {
        body.release();
      }
    }
  }

  private ResponseHeader exchangeInOrder(
      Object connection,
      NodeInfo leader,
      Opcode opcode,
      RequestHeader header,
      @Nullable ByteBuffer source,
      @Nullable ByteBuffer target)
      throws IOException {
    Upstream upstream = upstream(connection, leader);
    boolean answered = false;
    try {
      ResponseHeader answer = upstream.link.exchange(header, source, target, LEADERS_TIME);
      answered = true;
      if (opcode == Opcode.LOCK_VDI && answer.result() == ResultCode.SUCCESS) {
        upstream.holds = true;
      }
      return answer;
    } finally {
      if (!answered) {
        giveUp(connection, upstream);
      }
    }
  }

  private Upstream upstream(Object connection, NodeInfo leader) throws IOException {
    InetSocketAddress address = address(leader);
    Upstream known = upstreams.get(connection);
    if (known != null && known.leadsTo(address)) {
      return known;
    }
    if (known != null) {
      giveUp(connection, known);
    }
    Upstream fresh = new Upstream(address, sheep.links().open(address));
    upstreams.put(connection, fresh);
    return fresh;
  }
}
