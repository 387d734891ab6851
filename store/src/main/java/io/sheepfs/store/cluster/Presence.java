package io.sheepfs.store.cluster;

import io.sheepfs.protocol.client.PeerLinks;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ends the waiting for nodes that have left, as soon as ZooKeeper says so, and for those that do
 * not answer this one: whatever was asked of them fails, and is not asked again. So nobody needs a
 * time limit of his own that is both short enough and long enough; in particular not the thread
 * that follows the epochs, which itself waits for others while it settles.
 *
 * <p>One thread does all of it, woken up by ZooKeeper; it looks by itself now and then.
 */
final class Presence implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Presence.class);

  private static final Duration LOOK_INTERVAL = Duration.ofMillis(500);

  private final Registry registry;
  private final Follower follower;
  private final Neighbours neighbours;
  private final List<PeerLinks> links;
  private final Signal signal;
  private final Thread thread = new Thread(this::run, "sheep-presence");
  private volatile boolean closed;

  // by the one thread only
  private Map<String, String> incarnations = new HashMap<>();

  Presence(
      Registry registry,
      Follower follower,
      Neighbours neighbours,
      List<PeerLinks> links,
      Signal signal) {
    this.registry = registry;
    this.follower = follower;
    this.neighbours = neighbours;
    this.links = List.copyOf(links);
    this.signal = signal;
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  private void run() {
    while (!closed) {
      try {
        look();
      } catch (IOException e) {
        log.debug("cannot look who is there: {}", e.toString());
      }
      try {
        signal.await(LOOK_INTERVAL);
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void look() throws IOException {
    Epoch epoch = follower.lastSeen();
    if (epoch == null) {
      return;
    }
    Map<String, String> there = new HashMap<>();
    Map<String, Registry.Found> members = registry.members();
    members.forEach((id, found) -> there.put(id, found.incarnation()));
    neighbours.know(members);
    Set<InetSocketAddress> gone = new HashSet<>(neighbours.silent());
    for (Epoch.Member node : epoch.members()) {
      InetSocketAddress address = PeerCalls.address(node.seat().node());
      String now = there.get(node.storeId());
      if (now == null) {
        gone.add(address);
      } else if (!now.equals(incarnations.getOrDefault(node.storeId(), now))) {
        links.forEach(
            all ->
                all.drop(
                    address)); // it has left and come back: who asked the old one waits in vain
      }
    }
    links.forEach(all -> all.giveUp(gone));
    incarnations = there;
  }

  @Override
  public void close() {
    closed = true;
    thread.interrupt();
    try {
      thread.join(Duration.ofSeconds(2).toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
