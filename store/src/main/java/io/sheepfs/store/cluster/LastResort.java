package io.sheepfs.store.cluster;

import io.sheepfs.store.Loss;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import io.sheepfs.store.cluster.Membership.Alive;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The epoch with which a cluster goes on although nobody has surely everything: some of those who
 * were SYNCED last do not come back, and an administrator says not to wait for them. A pure
 * function.
 *
 * <p>Of those who were SYNCED last, who is back goes on, or those of them who have lost least
 * meanwhile. If none is, those do who were it last before them: what was acknowledged since then,
 * without them, is lost. Whoever is on the ring and not there is given up: nobody waits for what it
 * has, and when it comes back it takes what the others have.
 */
final class LastResort {

  private LastResort() {}

  /** Whether a cluster waits for nodes, and for nothing else. */
  static boolean isDue(Epoch current, Map<String, Alive> alive) {
    boolean hasNobody = current.in(State.SYNCED).isEmpty();
    return (hasNobody || !Membership.canGoOn(current, alive))
        && next(current, alive, Instant.EPOCH).isPresent();
  }

  /** The epoch; empty if nobody is there who stores. */
  static Optional<Epoch> next(Epoch current, Map<String, Alive> alive, Instant now) {
    List<Member> there =
        current.members().stream()
            .filter(member -> member.seat().isOnRing() && alive.containsKey(member.storeId()))
            .toList();
    List<Member> best = there.stream().filter(member -> member.state() == State.SYNCED).toList();
    if (best.isEmpty()) {
      int last = there.stream().mapToInt(Member::since).max().orElse(0);
      best = there.stream().filter(member -> member.since() == last).toList();
    }
    if (best.isEmpty()) {
      return Optional.empty();
    }
    Loss least = Membership.leastLoss(best, alive);
    best = best.stream().filter(member -> lossOf(member, alive) == least).toList();
    int number = current.number() + 1;
    List<Member> members = new ArrayList<>();
    for (Member member : current.members()) {
      Alive found = alive.get(member.storeId());
      if (found == null) {
        int since = member.seat().isOnRing() ? Member.GIVEN_UP : member.since();
        members.add(member.as(State.AWAY, since, "-"));
      } else if (best.contains(member)) {
        members.add(member.as(State.SYNCED, number, found.incarnation()));
      } else {
        boolean hasLost = found.loss() == Loss.OBJECTS;
        boolean falls = member.state() == State.SYNCED;
        int since = hasLost ? Member.GIVEN_UP : falls ? number : member.since();
        members.add(member.as(State.SYNCING, since, found.incarnation()));
      }
    }
    Losses losses = current.losses().with(Replica.MAX_NODES, number);
    return Optional.of(new Epoch(number, now, members, current.copies(), losses));
  }

  private static Loss lossOf(Member member, Map<String, Alive> alive) {
    return Membership.leastLoss(List.of(member), alive);
  }
}
