package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.store.vdi.Deletions;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sees to it that nothing of a deleted VDI stays, as long as this node leads: goes on with
 * deletions that failed half way, and looks once through the objects of each node that has come
 * back, for such as nobody knew of when their VDI was deleted. What fails is tried again, after
 * pauses that grow; at once when an epoch opens.
 *
 * <p>The leader does it, for only there nobody copies an index meanwhile.
 */
final class Leftovers {

  private static final Logger log = LoggerFactory.getLogger(Leftovers.class);

  private static final Duration SHORTEST_PAUSE = Duration.ofMillis(200);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

  private final ScrubbedCluster.Lead lead;
  private final Deletions deletions;
  private final Replica own;
  private final PeerCalls peers;
  private final Signal signal = new Signal();

  /** Nodes whose objects were looked through, each since it is SYNCED; by the one thread. */
  private final Set<Node> seen = new HashSet<>();

  private String told = "";

  private record Node(String storeId, String incarnation, int since) {
    static Node of(View.Peer peer) {
      Epoch.Member member = peer.member();
      return new Node(member.storeId(), member.incarnation(), member.since());
    }
  }

  Leftovers(ScrubbedCluster.Lead lead, Deletions deletions, Replica own, PeerCalls peers) {
    this.lead = lead;
    this.deletions = deletions;
    this.own = own;
    this.peers = peers;
    deletions.resumedBy(signal::raise);
  }

  /** Has it look at once. */
  void look() {
    signal.raise();
  }

  /** Runs until this node does not lead any more, or the thread is interrupted. */
  void run() {
    Duration pause = SHORTEST_PAUSE;
    try {
      while (lead.lasts()) {
        boolean done = isNothingLeft();
        signal.await(done ? LONGEST_PAUSE : pause);
        Duration longer = pause.multipliedBy(2);
        pause =
            done ? SHORTEST_PAUSE : longer.compareTo(LONGEST_PAUSE) < 0 ? longer : LONGEST_PAUSE;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean isNothingLeft() {
    try {
      deletions.resume();
      View view = lead.await(System.nanoTime());
      List<View.Peer> synced = view.present().stream().filter(View.Peer::isSynced).toList();
      seen.retainAll(synced.stream().map(Node::of).toList());
      for (View.Peer peer : synced) {
        if (!seen.contains(Node.of(peer))) {
          deletions.removeLeft(objectsOf(view, peer));
          seen.add(Node.of(peer));
        }
      }
      return true;
    } catch (IOException e) {
      if (!e.toString().equals(told)) {
        told = e.toString();
        log.info("objects of deleted VDIs may be left for now: {}", told);
      }
      return false;
    }
  }

  private List<ObjectId> objectsOf(View view, View.Peer peer) throws IOException {
    return peer.isSelf() ? own.list() : peers.list(peer.node(), view.number());
  }
}
