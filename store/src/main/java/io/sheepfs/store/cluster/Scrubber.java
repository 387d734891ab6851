package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks all objects of the cluster, once in each interval, as long as this node leads. Each node
 * reads so many bytes a second for it, and no more.
 */
final class Scrubber {

  private static final Logger log = LoggerFactory.getLogger(Scrubber.class);

  private static final long BYTES_PER_SECOND = 32L << 20;

  private final Cluster cluster;
  private final Duration interval;
  private final Signal signal = new Signal();

  /** What there is to check, and how. */
  interface Cluster {
    /** Whether this node still leads. */
    boolean leads();

    /** All objects on SYNCED nodes; of some, only copies that have no business there. */
    Set<ObjectId> list() throws IOException;

    CopyCheck.Finding check(ObjectId oid) throws SheepException;

    /** How much is read of one copy. */
    long bytes(ObjectId oid) throws SheepException;
  }

  Scrubber(Cluster cluster, Duration interval) {
    this.cluster = cluster;
    this.interval = interval;
  }

  /** Runs until this node does not lead any more, or the thread is interrupted. */
  void run() {
    try {
      Duration look =
          interval.compareTo(Duration.ofMinutes(1)) < 0 ? interval : Duration.ofMinutes(1);
      long begun = System.nanoTime();
      while (cluster.leads()) {
        signal.await(look);
        if (System.nanoTime() - begun >= interval.toNanos()) {
          scrub();
          begun = System.nanoTime();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void scrub() throws InterruptedException {
    List<ObjectId> oids;
    try {
      oids = new ArrayList<>(new TreeSet<>(cluster.list()));
    } catch (IOException e) {
      log.info("nothing is checked this time: {}", e.toString());
      return;
    }
    int repaired = 0;
    int unsound = 0;
    int skipped = 0;
    for (ObjectId oid : oids) {
      if (!cluster.leads()) {
        return;
      }
      try {
        CopyCheck.Finding finding = cluster.check(oid);
        repaired += finding.repaired();
        unsound += finding.isSound() ? 0 : 1;
        if (finding.copies() > 0) {
          signal.await(Duration.ofNanos(cluster.bytes(oid) * 1_000_000_000L / BYTES_PER_SECOND));
        }
      } catch (SheepException e) {
        log.debug("{} is not checked this time: {}", oid, e.toString());
        skipped++;
      }
    }
    log.info(
        "checked {} objects: {} copies repaired, {} objects cannot be repaired, {} left out",
        oids.size(),
        repaired,
        unsound,
        skipped);
  }
}
