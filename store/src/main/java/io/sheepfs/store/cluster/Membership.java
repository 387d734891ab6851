package io.sheepfs.store.cluster;

import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The rule by which one epoch follows another. A pure function.
 *
 * <p><b>The invariant.</b> A change is acknowledged when every present member of the epoch that
 * should have the object has it. So in each epoch the SYNCED members have every acknowledged change
 * of their objects, if (1) a member stays SYNCED only while it has been present without a break,
 * and (2) becomes it only after it was SYNCING, and so took part in every change, and has caught up
 * with what was before.
 *
 * <p><b>Nobody left.</b> If no SYNCED member has survived, whoever was SYNCED last has everything
 * on its disk. All of them must come back, since each may have objects that no other has; then they
 * go on as SYNCED, after they made those objects agree that they may have been changing.
 */
final class Membership {

  private Membership() {}

  /**
   * A node that is there.
   *
   * @param caughtUp whether this incarnation has every object that it should have
   */
  record Alive(String incarnation, boolean caughtUp) {}

  /** The epoch that should follow {@code current}; empty if it is still right, or has to wait. */
  static Optional<Epoch> next(Epoch current, Map<String, Alive> alive, Instant now) {
    int number = current.number() + 1;
    List<Member> synced = current.in(State.SYNCED);
    boolean someSurvived = synced.stream().anyMatch(member -> isSame(member, alive));
    boolean allBack = synced.stream().allMatch(member -> alive.containsKey(member.storeId()));
    if (!someSurvived && !allBack) {
      return Optional.empty();
    }
    List<Member> members = new ArrayList<>();
    for (Member member : current.members()) {
      members.add(next(member, alive.get(member.storeId()), number, someSurvived));
    }
    return members.equals(current.members())
        ? Optional.empty()
        : Optional.of(new Epoch(number, now, members));
  }

  private static boolean isSame(Member member, Map<String, Alive> alive) {
    Alive found = alive.get(member.storeId());
    return found != null && found.incarnation().equals(member.incarnation());
  }

  private static Member next(
      Member member, @Nullable Alive found, int number, boolean someSurvived) {
    boolean same = found != null && found.incarnation().equals(member.incarnation());
    if (member.state() == State.SYNCED) {
      if (same) {
        return member;
      }
      if (!someSurvived && found != null) {
        return new Member(member.storeId(), State.SYNCED, member.since(), found.incarnation());
      }
      return found == null
          ? new Member(member.storeId(), State.AWAY, number, "-")
          : new Member(member.storeId(), State.SYNCING, number, found.incarnation());
    }
    if (found == null) {
      return new Member(member.storeId(), State.AWAY, member.since(), "-");
    }
    if (same && member.state() == State.SYNCING && found.caughtUp()) {
      return new Member(member.storeId(), State.SYNCED, number, found.incarnation());
    }
    return new Member(member.storeId(), State.SYNCING, member.since(), found.incarnation());
  }
}
