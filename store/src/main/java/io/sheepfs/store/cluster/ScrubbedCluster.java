package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;

/** The objects of all nodes, as the leader's {@link Scrubber} goes through them. */
final class ScrubbedCluster implements Scrubber.Cluster {

  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private final Lead lead;
  private final Gateway gateway;
  private final Replica replica;
  private final PeerCalls peers;
  private final CopyCheck copies;

  /** A term of this node as the leader. */
  interface Lead {

    /** Whether it goes on. */
    boolean lasts();

    /**
     * Waits for an open epoch of it.
     *
     * @throws SheepException if there is none by the time
     */
    View await(long deadlineNanos) throws SheepException;
  }

  ScrubbedCluster(Lead lead, Gateway gateway, Replica replica, PeerCalls peers, CopyCheck copies) {
    this.lead = lead;
    this.gateway = gateway;
    this.replica = replica;
    this.peers = peers;
    this.copies = copies;
  }

  @Override
  public boolean leads() {
    return lead.lasts();
  }

  @Override
  public Set<ObjectId> list() throws IOException {
    View view = lead.await(System.nanoTime() + PATIENCE.toNanos());
    Set<ObjectId> all = new HashSet<>(replica.list());
    for (View.Peer peer : view.present()) {
      if (peer.isSynced() && !peer.isSelf()) {
        all.addAll(peers.list(peer.node(), view.number()));
      }
    }
    Set<ObjectId> known = new HashSet<>();
    for (ObjectId oid : all) {
      // an inode that is not here was lost
      if (oid.kind() == ObjectId.Kind.INODE || replica.exists(ObjectId.inode(oid.vid()))) {
        known.add(oid);
      }
    }
    return known;
  }

  @Override
  public CopyCheck.Finding check(ObjectId oid) throws SheepException {
    return copies.check(oid);
  }

  @Override
  public long bytes(ObjectId oid) throws SheepException {
    return gateway.exists(oid) ? gateway.storedBytes(oid) : 0;
  }
}
