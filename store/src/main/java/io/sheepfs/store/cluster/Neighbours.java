package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.Opcode;
import io.sheepfs.protocol.RequestFields;
import io.sheepfs.protocol.RequestHeader;
import io.sheepfs.protocol.ResponseHeader;
import io.sheepfs.protocol.client.PeerLinks;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks all other nodes again and again whether they live, over connections of its own, and tells
 * ZooKeeper of those that do not answer although they are there. What becomes of that is up to
 * {@link Rifts}.
 *
 * <p>Safe for any number of threads.
 */
final class Neighbours implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Neighbours.class);

  private static final int NODES = 64;
  private static final int PATIENCE_TICKS = 2;

  private final Registry registry;
  private final PeerLinks links;
  private final Duration tick;
  private final String self;
  private final Runnable changed;
  private final ScheduledExecutorService ticks =
      Executors.newSingleThreadScheduledExecutor(new DaemonThreads("sheep-hearing"));
  private final ExecutorService askers =
      Executors.newCachedThreadPool(new DaemonThreads("sheep-asker"));

  @GuardedBy("this")
  private Map<String, Neighbour> neighbours = Map.of();

  private volatile Set<InetSocketAddress> silent = Set.of();

  /** What ZooKeeper was told last; null if it is not certain. By the one thread that ticks. */
  private @Nullable String told = "";

  /** One other node, in one incarnation. */
  private static final class Neighbour {
    private final String incarnation;
    private final InetSocketAddress address;
    private final Hearing hearing = new Hearing();
    private boolean asked;

    Neighbour(Registry.Found found) {
      this.incarnation = found.incarnation();
      this.address = PeerCalls.address(found.info());
    }
  }

  /**
   * Knows nobody yet.
   *
   * @param changed called when somebody falls silent, or is heard again
   */
  Neighbours(Registry registry, Network network, Duration session, String self, Runnable changed) {
    this.registry = registry;
    this.tick = session.dividedBy(Hearing.TICKS_PER_SESSION);
    this.links = network.hearingLinks(tick.multipliedBy(PATIENCE_TICKS));
    this.self = self;
    this.changed = changed;
  }

  void start() {
    long millis = tick.toMillis();
    ScheduledFuture<?> unused =
        ticks.scheduleWithFixedDelay(this::tick, millis, millis, TimeUnit.MILLISECONDS);
  }

  /** Takes these for the nodes that are there. */
  void know(Map<String, Registry.Found> there) {
    synchronized (this) {
      Map<String, Neighbour> now = new HashMap<>();
      there.forEach(
          (id, found) -> {
            Neighbour known = neighbours.get(id);
            boolean same = known != null && known.incarnation.equals(found.incarnation());
            if (!id.equals(self)) {
              now.put(id, same ? known : new Neighbour(found));
            }
          });
      neighbours = now;
    }
  }

  /** The addresses of those who are there, and do not answer. */
  Set<InetSocketAddress> silent() {
    return silent;
  }

  private void tick() {
    Map<String, String> now = new TreeMap<>();
    Set<InetSocketAddress> addresses = new HashSet<>();
    synchronized (this) {
      neighbours.forEach(
          (id, neighbour) -> {
            neighbour.hearing.tick();
            if (neighbour.hearing.isSilent()) {
              now.put(id, neighbour.incarnation);
              addresses.add(neighbour.address);
            }
            if (!neighbour.asked) {
              neighbour.asked = true;
              askers.execute(() -> ask(neighbour));
            }
          });
    }
    if (!addresses.equals(silent)) {
      log.info("who does not answer here: {}", now.isEmpty() ? "nobody" : addresses);
      silent = Set.copyOf(addresses);
      changed.run();
    }
    String before = told;
    told = null; // an answer that is lost may be that to a change that was made
    try {
      told = registry.tellSilent(now, before);
    } catch (IOException e) {
      log.debug("ZooKeeper does not hear of the silence of {}: {}", now, e.toString());
    }
  }

  private void ask(Neighbour neighbour) {
    ByteBuffer room = ByteBuffer.allocate(NODES * NodeRecord.SIZE_BYTES);
    RequestHeader question =
        RequestHeader.of(Opcode.GET_NODE_LIST, 0, room.remaining(), new RequestFields.None());
    boolean answered = false;
    try {
      ResponseHeader unused = links.exchange(neighbour.address, question, null, room);
      answered = true; // whatever it says, it lives
    } catch (IOException e) {
      log.debug("{} does not answer: {}", neighbour.address, e.toString());
    } finally {
      synchronized (this) {
        neighbour.asked = false;
        if (answered) {
          neighbour.hearing.answered();
        }
      }
    }
  }

  @Override
  public void close() {
    ticks.shutdownNow();
    askers.shutdownNow();
    links.close();
  }
}
