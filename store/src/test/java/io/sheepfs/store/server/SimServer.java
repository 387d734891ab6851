package io.sheepfs.store.server;

import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.buffer.Unpooled;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.store.cluster.ClusterSheep;
import io.sheepfs.store.sim.Sim;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ThreadFactory;
import org.jspecify.annotations.Nullable;

/**
 * What {@link SheepServer} and {@link ClientConnection} do around the handlers, for a simulated
 * network: which threads carry out what, and what ends with a connection.
 */
public final class SimServer {

  private final Sim.Host host = Sim.host();
  private final ServerCore core;
  private final ClusterSheep sheep;
  private final List<Client> clients = new ArrayList<>();
  private int made;
  private int underWay;
  private int heldUp;
  private boolean closing;

  /** One that waits until those before it of its connection are answered. */
  private record Turn(Runnable begin, boolean isHeldUp) {}

  /** Where an answer goes. */
  public interface Reply {
    /** Sends it. */
    void send(ResponseHeader header, byte[] body);
  }

  /** Someone at the other end of a connection. */
  public final class Client implements Caller {
    private final Runnable reset;
    private final int number = ++made;
    private int standstillsBefore = host.isFrozen() ? -1 : core.standstills();
    private final Deque<Turn> ordered = new ArrayDeque<>();
    private boolean closed;
    private boolean turnedAway;

    private Client(Runnable reset) {
      this.reset = reset;
    }

    /** The same in each run: some maps are gone through in the order of it. */
    @Override
    public int hashCode() {
      return number;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public boolean isOutlived() {
      int standstills = core.standstills();
      if (standstillsBefore < 0) {
        standstillsBefore = standstills; // accepted only now
      }
      return standstills != standstillsBefore;
    }

    @Override
    public boolean hasTurnedAway() {
      return closed || turnedAway;
    }

    @Override
    public void turnAway() {
      turnedAway = true;
    }

    @Override
    public void abandon() {
      reset.run();
      disconnected(this);
    }
  }

  /** Serves a sheep. */
  public SimServer(ClusterSheep sheep, Runnable shutdown) {
    this.sheep = sheep;
    ThreadFactory unnamed = work -> new Thread(work);
    this.core =
        new ServerCore(
            sheep,
            ServerOptions.DEFAULTS,
            Lanes.of(ServerOptions.DEFAULTS, true),
            new Standstill(Executors.newSingleThreadScheduledExecutor(unnamed)),
            shutdown);
  }

  /** As of which epoch requests are served. */
  public int epoch() {
    return core.dispatcher().epoch();
  }

  /** Somebody connects. */
  public Client connected(Runnable reset) {
    Client client = new Client(reset);
    clients.add(client);
    return client;
  }

  /**
   * A request arrives.
   *
   * @param delay how long it is before a thread goes on with it; its client may be gone then
   */
  public void receive(
      Client client, RequestHeader header, byte[] body, Duration delay, Reply reply) {
    if (client.closed || closing) {
      return;
    }
    Opcode opcode = header.opcode();
    boolean inOrder = opcode != null && opcode.scope() == Opcode.Scope.CLUSTER;
    boolean isHeldUp = !delay.isZero();
    heldUp += isHeldUp ? 1 : 0;
    Runnable work =
        () -> {
          try {
            if (isHeldUp) {
              Sim.sleep(delay);
            }
            carryOut(client, header, body, reply, inOrder);
          } finally {
            heldUp -= isHeldUp ? 1 : 0;
          }
        };
    if (inOrder) {
      client.ordered.add(new Turn(() -> core.lanes().of(header).workers().execute(work), isHeldUp));
      if (client.ordered.size() > 1) {
        return;
      }
    }
    core.lanes().of(header).workers().execute(work);
  }

  /** Whether a request that has arrived is still held up: its thread may keep others waiting. */
  public boolean isHeldUp() {
    return heldUp > 0;
  }

  private void carryOut(
      Client client, RequestHeader header, byte[] body, Reply reply, boolean inOrder) {
    underWay++;
    try {
      answer(client, header, body, reply, inOrder);
    } finally {
      underWay--;
    }
  }

  /** Takes nothing new, and waits for what is under way, but not for ever. */
  public void close() {
    closing = true;
    long until = Sim.now() + ServerOptions.DEFAULTS.drainTimeout().toNanos();
    while (underWay > 0 && Sim.now() < until) {
      Sim.sleep(Duration.ofMillis(20));
    }
    disconnectAll();
  }

  private void answer(
      Client client, RequestHeader header, byte[] body, Reply reply, boolean inOrder) {
    if (client.isOutlived()) {
      client.abandon();
    } else {
      Request request =
          new Request(header, Unpooled.wrappedBuffer(body), client, PooledByteBufAllocator.DEFAULT);
      Answer answer = core.dispatcher().answer(request);
      byte[] bytes = ByteBufUtil.getBytes(answer.body());
      answer.body().release();
      ResponseHeader response =
          ResponseHeader.to(
              header, core.dispatcher().epoch(), answer.result(), bytes.length, answer.fields());
      reply.send(response, bytes);
    }
    if (inOrder) {
      client.ordered.remove();
      if (client.closed) {
        heldUp -= (int) client.ordered.stream().filter(Turn::isHeldUp).count();
        client.ordered.clear();
        releaseLeases(client);
      } else if (!client.ordered.isEmpty()) {
        client.ordered.element().begin().run();
      }
    }
  }

  private void releaseLeases(Client client) {
    sheep.releaseLeases(client);
    core.dispatcher().disconnected(client);
  }

  /** A lock that is being taken would outlive the connection, so that has to end first. */
  public void disconnected(Client client) {
    if (client.closed) {
      return;
    }
    client.closed = true;
    clients.remove(client);
    if (client.ordered.isEmpty()) {
      releaseLeases(client);
    }
  }

  /** What clients hold here has ended. */
  public void disconnectAll() {
    List.copyOf(clients).forEach(Client::abandon);
  }
}
