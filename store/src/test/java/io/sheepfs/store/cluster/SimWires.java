package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestFlags;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.store.server.SimServer;
import io.sheepfs.store.sim.Sim;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The network among machines. Each direction between two can be cut: what is on its way then comes
 * when the cut ends, or never; also when its sender has long given up. Messages overtake each
 * other. A process that ends resets its connections, as far as the others hear of it.
 */
final class SimWires {

  /** The machine of the ensemble. */
  static final String ENSEMBLE = "zk";

  private static final Duration CONNECT_TIME = Duration.ofSeconds(2);
  private static final Duration PULSE = Duration.ofSeconds(6);
  private static final Duration AGAIN = Duration.ofMillis(300);

  private final Set<String> cuts = new TreeSet<>();
  private final Map<InetSocketAddress, Listener> listeners = new HashMap<>();
  private final List<Pipe> pipes = new ArrayList<>();

  /** After how many more requests {@link #ambush} happens. */
  private int requestsUntilAmbush;

  private @Nullable Ambush ambush;

  /** What befalls a request on its way from one machine to another. */
  interface Ambush {
    /**
     * Happens when the request would arrive.
     *
     * @return how long it is before a thread goes on with the request, while the connection breaks;
     *     0 for neither
     */
    Duration happen(String from, String to);
  }

  /** A process that answers. */
  private record Listener(String machine, Sim.Host host, SimServer server) {}

  /** Cuts the way from one machine to another. */
  void cut(String from, String to) {
    cuts.add(from + ">" + to);
  }

  /** The way between two machines is open again. */
  void mend(String one, String other) {
    cuts.remove(one + ">" + other);
    cuts.remove(other + ">" + one);
  }

  /** All ways are open again. */
  void mend() {
    cuts.clear();
  }

  boolean isCut(String from, String to) {
    return !cuts.isEmpty() && cuts.contains(from + ">" + to);
  }

  boolean isCut() {
    return !cuts.isEmpty();
  }

  /** Has something happen when so many more requests have arrived. */
  void ambush(int requests, Ambush what) {
    requestsUntilAmbush = requests;
    ambush = what;
  }

  private Duration ambushNow(String from, String to) {
    Ambush next = ambush;
    if (next == null || --requestsUntilAmbush > 0) {
      return Duration.ZERO;
    }
    ambush = null;
    return next.happen(from, to);
  }

  void listen(InetSocketAddress address, String machine, SimServer server) {
    listeners.put(address, new Listener(machine, Sim.host(), server));
  }

  /** A process has ended; its kernel tells the others. */
  void ended(Sim.Host host) {
    for (Pipe pipe : List.copyOf(pipes)) {
      if (pipe.to.host() == host) {
        pipe.resetFromThere();
      } else if (pipe.from == host) {
        pipe.close();
      }
    }
  }

  private static Duration travel() {
    return Duration.ofNanos(
        Sim.oneIn(30) ? 1_000_000 + Sim.random(30_000_000) : 50_000 + Sim.random(500_000));
  }

  /** Connects the running process. */
  Pipe connect(String machine, InetSocketAddress address) throws IOException {
    long until = Sim.now() + CONNECT_TIME.toNanos();
    while (true) {
      Listener listener = listeners.get(address);
      String there = listener == null ? "?" : listener.machine();
      if (!isCut(machine, there) && !isCut(there, machine)) {
        if (listener == null || listener.host().isDead()) {
          throw new ConnectException("nobody listens at " + address.getPort());
        }
        return new Pipe(machine, listener);
      }
      if (Sim.now() >= until) {
        throw new ConnectException("no way to " + address.getPort());
      }
      Sim.sleep(AGAIN);
    }
  }

  /** A request that waits for its answer. */
  private static final class Call {
    private final Sim.Task caller = Sim.running();
    private @Nullable ResponseHeader answer;
    private byte[] body = {};
    private @Nullable String failure;
  }

  /** A connection. */
  final class Pipe implements PeerLinks.Link {
    private final Sim.Host from = Sim.host();
    private final String machine;
    private final Listener to;
    private final SimServer.Client there;
    private final Set<Call> waiting = new LinkedHashSet<>();
    private boolean closed;
    private boolean asking;

    /** What was sent does not come any more. */
    private boolean reset;

    private Pipe(String machine, Listener to) {
      this.machine = machine;
      this.to = to;
      this.there = to.server().connected(this::resetFromThere);
      pipes.add(this);
    }

    @Override
    public ResponseHeader exchange(
        RequestHeader header,
        @Nullable ByteBuffer source,
        @Nullable ByteBuffer target,
        Duration timeout)
        throws IOException {
      if (closed) {
        throw new IOException("the connection is closed");
      }
      byte[] body = new byte[source == null ? 0 : source.remaining()];
      if (source != null) {
        source.get(body);
      }
      Call call = new Call();
      waiting.add(call);
      Sim.after(travel(), () -> meet(header, body, call));
      long until = Sim.now() + timeout.toNanos();
      try {
        while (call.answer == null && call.failure == null && Sim.now() < until) {
          Sim.blockUntil(until);
        }
      } finally {
        waiting.remove(call);
      }
      ResponseHeader answer = call.answer;
      if (answer == null) {
        throw new IOException(call.failure == null ? "no answer in time" : call.failure);
      }
      if (target != null) {
        target.put(call.body);
      }
      return answer;
    }

    /** Asks now and then whether the other side lives, as long as an answer is awaited. */
    void keepWatch() {
      if (!closed) {
        if (!waiting.isEmpty() && !asking) {
          asking = true;
          Sim.spawn(from, "pulse", this::ask);
        }
        Sim.after(Duration.ofSeconds(3), this::keepWatch);
      }
    }

    private void ask() {
      ByteBuffer room = ByteBuffer.allocate(64 * NodeRecord.SIZE_BYTES);
      RequestHeader question =
          RequestHeader.of(Opcode.GET_NODE_LIST, 0, room.remaining(), new RequestFields.None());
      try {
        if (exchange(question, null, room, PULSE).node().storeFree() == 0) {
          asking = false;
          return;
        }
        Sim.trace(this + " says that it stands aside");
      } catch (IOException e) {
        Sim.trace(this + " does not answer");
      }
      reset = true;
      close();
    }

    private void meet(RequestHeader header, byte[] body, Call call) {
      Duration delay = ambushNow(machine, to.machine());
      arrive(header, body, delay, call, false);
      if (!delay.isZero()) {
        resetFromThere();
      }
    }

    private void arrive(
        RequestHeader header, byte[] body, Duration delay, Call call, boolean wasKept) {
      if (isCut(machine, to.machine())) {
        if (!reset && !((closed || from.isDead()) && Sim.oneIn(4))) {
          Sim.after(AGAIN, () -> arrive(header, body, delay, call, true));
        }
        return;
      }
      if (to.host().isDead() || (wasKept && isUnprotected(header))) {
        resetFromThere();
        return;
      }
      if (Sim.isVerbose()) {
        Sim.trace(machine + " to " + to.machine() + ": " + header + " of epoch " + header.epoch());
      }
      to.server()
          .receive(
              there,
              header,
              body,
              delay,
              (answer, bytes) -> Sim.after(travel(), () -> comeBack(call, answer, bytes)));
    }

    /**
     * Whether nothing tells a change that comes late from another: it is passed on for a client
     * without a lease, who may have gone on to another sheep, and the epoch is still the same. Such
     * a client is not promised anything (ADR 21).
     */
    private boolean isUnprotected(RequestHeader header) {
      return header.has(RequestFlags.FORWARD)
          && header.has(RequestFlags.WRITE)
          && !header.has(RequestFlags.LEASE)
          && header.epoch() == to.server().epoch();
    }

    private void comeBack(Call call, ResponseHeader answer, byte[] bytes) {
      if (closed) {
        return;
      }
      if (isCut(to.machine(), machine)) {
        Sim.after(AGAIN, () -> comeBack(call, answer, bytes));
        return;
      }
      call.body = bytes;
      call.answer = answer;
      Sim.wake(call.caller);
    }

    /** The other side ends it. */
    private void resetFromThere() {
      Sim.after(travel(), this::resetArrives);
    }

    private void resetArrives() {
      if (isCut(to.machine(), machine)) {
        Sim.after(AGAIN, this::resetArrives);
      } else {
        close();
      }
    }

    @Override
    public String toString() {
      return to.machine();
    }

    @Override
    public boolean isOpen() {
      return !closed;
    }

    @Override
    public void close() {
      if (closed) {
        return;
      }
      closed = true;
      pipes.remove(this);
      for (Call call : waiting) {
        call.failure = "the connection broke";
        Sim.wake(call.caller);
      }
      Sim.after(travel(), this::endArrives);
    }

    private void endArrives() {
      if (isCut(machine, to.machine())) {
        Sim.after(AGAIN, this::endArrives);
      } else if (!to.host().isDead()) {
        to.server().disconnected(there);
      }
    }
  }

  /** The connections of the running process to others. */
  PeerLinks links(String machine, Duration timeout) {
    return new Links(machine, timeout);
  }

  private final class Links implements PeerLinks {
    private final String machine;
    private final Duration timeout;
    private final Map<InetSocketAddress, Pipe> shared = new HashMap<>();
    private final List<Pipe> own = new ArrayList<>();
    private Set<InetSocketAddress> gone = Set.of();

    Links(String machine, Duration timeout) {
      this.machine = machine;
      this.timeout = timeout;
    }

    private void checkNotGone(InetSocketAddress node) throws ConnectException {
      if (gone.contains(node)) {
        throw new ConnectException(node.getPort() + " has left the cluster");
      }
    }

    @Override
    public ResponseHeader exchange(
        InetSocketAddress node,
        RequestHeader header,
        @Nullable ByteBuffer source,
        @Nullable ByteBuffer target)
        throws IOException {
      return exchange(node, header, source, target, timeout);
    }

    @Override
    public ResponseHeader exchange(
        InetSocketAddress node,
        RequestHeader header,
        @Nullable ByteBuffer source,
        @Nullable ByteBuffer target,
        Duration time)
        throws IOException {
      checkNotGone(node);
      Pipe pipe = shared.get(node);
      if (pipe == null || !pipe.isOpen()) {
        pipe = connect(machine, node);
        shared.put(node, pipe);
      }
      return pipe.exchange(header, source, target, time);
    }

    @Override
    public Link open(InetSocketAddress node) throws IOException {
      checkNotGone(node);
      Pipe pipe = connect(machine, node);
      own.add(pipe);
      return pipe;
    }

    @Override
    public void giveUp(Set<InetSocketAddress> nodes) {
      gone = Set.copyOf(nodes);
      nodes.forEach(this::drop);
    }

    @Override
    public void drop(InetSocketAddress node) {
      Pipe pipe = shared.remove(node);
      if (pipe != null) {
        pipe.close();
      }
      for (Pipe link : List.copyOf(own)) {
        if (link.to.equals(listeners.get(node)) || !link.isOpen()) {
          link.close();
          own.remove(link);
        }
      }
    }

    @Override
    public void close() {
      shared.values().forEach(Pipe::close);
    }
  }
}
