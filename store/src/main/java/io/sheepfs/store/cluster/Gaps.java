package io.sheepfs.store.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.sheepfs.protocol.ObjectId;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The objects of which this node has not taken a change in an epoch, since it could not, although
 * it answered that it had: it is not right in them yet, others are, and it fetches them before it
 * says that it has everything. From then on it can take no more of them.
 *
 * <p>Safe for any number of threads.
 */
final class Gaps {

  @GuardedBy("this")
  private final Set<ObjectId> oids = new HashSet<>();

  @GuardedBy("this")
  private boolean ended;

  /** An epoch begins. What it missed before is fetched like all that the node does not have. */
  synchronized void begin() {
    oids.clear();
    ended = false;
  }

  /** A change was not taken. False if the node may not go on without it. */
  synchronized boolean add(ObjectId oid) {
    if (!ended) {
      oids.add(oid);
    }
    return !ended;
  }

  /** What has to be fetched; if there is nothing, no more can come until another epoch begins. */
  synchronized List<ObjectId> take() {
    List<ObjectId> taken = List.copyOf(oids);
    oids.clear();
    ended |= taken.isEmpty();
    return taken;
  }
}
