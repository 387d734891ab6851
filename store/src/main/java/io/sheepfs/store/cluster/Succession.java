package io.sheepfs.store.cluster;

import io.sheepfs.store.cluster.Membership.Alive;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which epoch follows: looks who is there and fit, who has caught up, and who does not hear whom,
 * and appends the next epoch when one is due. Every node does that; ZooKeeper takes the first.
 *
 * <p>By the one thread that follows the epochs.
 */
final class Succession {

  private static final Logger log = LoggerFactory.getLogger(Succession.class);

  private final Registry registry;
  private final String self;
  private final long lateNanos;
  private final Runnable appended;
  private final RiftWatch rifts;
  private final InstantSource clock = InstantSource.system();

  /**
   * Of a node.
   *
   * @param self the id of its store
   * @param appended told when there may be another epoch
   */
  Succession(Registry registry, String self, Duration sessionTimeout, Runnable appended) {
    this.registry = registry;
    this.self = self;
    this.lateNanos = sessionTimeout.toNanos() / 2;
    this.appended = appended;
    this.rifts = new RiftWatch(sessionTimeout.dividedBy(3));
  }

  /** Whether it has to be looked again soon. */
  boolean isPending() {
    return rifts.isPending();
  }

  /**
   * Appends the epoch that is due, if there is one.
   *
   * @param members all nodes that are there, by the ids of their stores
   * @param waitsSince since when, in nanoseconds, this node waits for the last one to open; empty
   *     if it does not
   */
  void append(
      Layout agreed,
      Epoch epoch,
      Map<String, Registry.Found> members,
      Wishes.Wanted wanted,
      OptionalLong waitsSince)
      throws IOException {
    Map<String, Alive> alive = fit(registry, epoch, members);
    Set<String> out = leftOut(epoch, members, alive, waitsSince);
    if (out.contains(self)) {
      // those who stay say so; if they are dead, and only their sessions are left, nobody may
      return;
    }
    alive.keySet().removeAll(out);
    Instant now = clock.instant();
    boolean isForced = wanted.forced() == epoch.number() && LastResort.isDue(epoch, alive);
    Epoch next =
        (isForced
                ? LastResort.next(epoch, alive, now)
                : Membership.next(epoch, alive, wanted.ring(), wanted.copies(), now))
            .orElse(null);
    if (next != null) {
      if (!out.isEmpty()) {
        log.warn("{} are left out of epoch {}, as others do not hear them", out, next.number());
      }
      boolean done = registry.append(agreed.createTime(), next);
      log.debug("epoch {} {}", next.number(), done ? "appended" : "was there already");
      appended.run();
    }
  }

  /** Those of the nodes that are there who are fit. */
  static Map<String, Alive> fit(Registry registry, Epoch epoch, Map<String, Registry.Found> members)
      throws IOException {
    Map<String, Alive> alive = new HashMap<>();
    for (Map.Entry<String, Registry.Found> member : members.entrySet()) {
      String id = member.getKey();
      String there = member.getValue().incarnation();
      if (!there.equals(registry.refused(id))) {
        boolean caughtUp = registry.isCaughtUp(id, epoch.number(), there);
        alive.put(id, new Alive(there, caughtUp, member.getValue().loss()));
      }
    }
    return alive;
  }

  /** Who has to be counted as absent, since some of those who are there do not hear each other. */
  private Set<String> leftOut(
      Epoch epoch,
      Map<String, Registry.Found> members,
      Map<String, Alive> alive,
      OptionalLong waitsSince)
      throws IOException {
    Map<String, String> fit = new HashMap<>();
    alive.forEach((id, node) -> fit.put(id, node.incarnation()));
    // what others do not hear, or are not heard by, holds up nobody here
    Map<String, Registry.Found> concerned = new HashMap<>(members);
    concerned.keySet().removeIf(id -> epoch.member(id) == null);
    long now = System.nanoTime();
    boolean cannotOpen = waitsSince.isPresent() && now - waitsSince.getAsLong() > lateNanos;
    return rifts.leftOut(epoch, fit, registry.rifts(concerned), cannotOpen, now);
  }
}
