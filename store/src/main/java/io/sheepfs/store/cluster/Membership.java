package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.store.Loss;
import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
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
 * go on as SYNCED, after they made those objects agree that they may have been changing. Who may
 * have lost something meanwhile catches up with those who have not, if there are any; and who has
 * lost objects is right in nothing, whoever else is there.
 *
 * <p><b>Another ring.</b> An epoch begins a move as soon as another ring is wished for, and the
 * members on that ring take part in every change of what they will have. The ring changes when each
 * of them is there, SYNCED if it is on the old ring, and has said for this very epoch that it has
 * everything it should have on both rings. Until then a member is SYNCED for what it has on the old
 * ring. Another number of copies of a VDI is begun and ended in the same way.
 */
final class Membership {

  private Membership() {}

  /**
   * A node that is there.
   *
   * @param caughtUp whether this incarnation has every object that it should have in the current
   *     epoch: if it is on the ring but not SYNCED yet, on that; else on both rings
   * @param loss what it may have lost before this incarnation
   */
  record Alive(String incarnation, boolean caughtUp, Loss loss) {

    /** One that has lost nothing. */
    Alive(String incarnation, boolean caughtUp) {
      this(incarnation, caughtUp, Loss.NONE);
    }
  }

  /**
   * The epoch that should follow {@code current}; empty if it is still right, or has to wait.
   *
   * @param wish the ring that is wished for, by store id; empty for no wish
   */
  static Optional<Epoch> next(
      Epoch current, Map<String, Alive> alive, Map<String, NodeInfo> wish, Instant now) {
    return next(current, alive, wish, Map.of(), now);
  }

  /**
   * The epoch that should follow {@code current}; empty if it is still right, or has to wait.
   *
   * @param wish the ring that is wished for, by store id; empty for no wish
   * @param copies the numbers of copies that are wished for; others stay as they are
   */
  static Optional<Epoch> next(
      Epoch current,
      Map<String, Alive> alive,
      Map<String, NodeInfo> wish,
      Map<VdiId, CopyNumber> copies,
      Instant now) {
    int number = current.number() + 1;
    if (!canGoOn(current, alive)) {
      return Optional.empty();
    }
    Loss least = leastLoss(current.in(State.SYNCED), alive);
    boolean someSurvived = someSurvived(current, alive);
    List<Member> members = new ArrayList<>();
    for (Member member : current.members()) {
      Alive found = alive.get(member.storeId());
      boolean goesOn = !someSurvived && found != null && found.loss() == least;
      members.add(next(member, found, number, goesOn));
    }
    boolean arrived = haveArrived(current, alive);
    Losses losses = losses(current, members, alive, number);
    losses = arrived ? losses.afterMove() : losses;
    members = arrived ? moved(members, number) : wished(members, alive, wish, number);
    Map<VdiId, CopyNumber> numbers =
        arrived
            ? CopyNumber.arrived(current.copies())
            : CopyNumber.wished(current.copies(), copies);
    return members.equals(current.members()) && numbers.equals(current.copies())
        ? Optional.empty()
        : Optional.of(new Epoch(number, now, members, numbers, losses));
  }

  /**
   * What may be lost of what was not flushed. Who is SYNCED now, and comes without a loss, has all
   * that was acknowledged of its objects. So an object has lost something at most when none of its
   * places is such a node, and one of them comes back from a loss.
   */
  private static Losses losses(
      Epoch current, List<Member> members, Map<String, Alive> alive, int number) {
    boolean isLoss = false;
    int without = 0;
    for (Member member : members) {
      Member before = current.member(member.storeId());
      Alive found = alive.get(member.storeId());
      if (member.seat().isOnRing() && before != null) {
        boolean lost = found != null && !isSame(before, alive) && found.loss() != Loss.NONE;
        isLoss |= lost;
        without += lost || member.state() != State.SYNCED ? 1 : 0;
      }
    }
    return isLoss ? current.losses().with(without, number) : current.losses();
  }

  /** Whether there is somebody who has everything, or all are back of whom each may have some. */
  static boolean canGoOn(Epoch current, Map<String, Alive> alive) {
    return someSurvived(current, alive)
        || current.in(State.SYNCED).stream()
            .allMatch(member -> alive.containsKey(member.storeId()));
  }

  private static boolean someSurvived(Epoch current, Map<String, Alive> alive) {
    return current.in(State.SYNCED).stream().anyMatch(member -> isSame(member, alive));
  }

  private static boolean isSame(Member member, Map<String, Alive> alive) {
    Alive found = alive.get(member.storeId());
    return found != null && found.incarnation().equals(member.incarnation());
  }

  /** The least that any of some members has lost who are there. */
  static Loss leastLoss(List<Member> members, Map<String, Alive> alive) {
    return members.stream()
        .map(member -> alive.get(member.storeId()))
        .filter(Objects::nonNull)
        .map(Alive::loss)
        .min(Comparator.naturalOrder())
        .orElse(Loss.NONE);
  }

  /**
   * What becomes of a member.
   *
   * @param goesOn whether it is right, if it was SYNCED last, since nobody has more
   */
  private static Member next(Member member, @Nullable Alive found, int number, boolean goesOn) {
    boolean same = found != null && found.incarnation().equals(member.incarnation());
    if (found != null && !same && found.loss() == Loss.OBJECTS) {
      return member.as(State.SYNCING, Member.GIVEN_UP, found.incarnation());
    }
    if (member.state() == State.SYNCED) {
      if (same) {
        return member;
      }
      if (goesOn && found != null) {
        return member.as(State.SYNCED, member.since(), found.incarnation());
      }
      return found == null
          ? member.as(State.AWAY, number, "-")
          : member.as(State.SYNCING, number, found.incarnation());
    }
    if (found == null) {
      return member.as(State.AWAY, member.since(), "-");
    }
    boolean caughtUp = same && member.state() == State.SYNCING && found.caughtUp();
    if (caughtUp && member.seat().isOnRing()) {
      return member.as(State.SYNCED, number, found.incarnation());
    }
    return member.as(State.SYNCING, member.since(), found.incarnation());
  }

  /** Whether everybody on the next ring has everything that it should have there. */
  private static boolean haveArrived(Epoch current, Map<String, Alive> alive) {
    if (!current.isMoving()) {
      return false;
    }
    for (Member member : current.members()) {
      Alive found = alive.get(member.storeId());
      boolean canArrive = member.state() == State.SYNCED || !member.seat().isOnRing();
      boolean caughtUp = isSame(member, alive) && found != null && found.caughtUp();
      if (member.seat().isOnNextRing() && !(canArrive && caughtUp)) {
        return false;
      }
    }
    return true;
  }

  /** The members when the next ring has become the ring. */
  private static List<Member> moved(List<Member> members, int number) {
    List<Member> arrived = new ArrayList<>();
    for (Member member : members) {
      Seat seat = member.seat();
      if (seat.isOnNextRing()) {
        int since = member.state() == State.SYNCED ? member.since() : number;
        arrived.add(
            member
                .as(State.SYNCED, since, member.incarnation())
                .at(new Seat(seat.node(), seat.nextPoints(), seat.nextPoints())));
      }
    }
    return arrived;
  }

  /** The members, with the ring that is wished for as the next one. */
  private static List<Member> wished(
      List<Member> members, Map<String, Alive> alive, Map<String, NodeInfo> wish, int number) {
    if (wish.isEmpty()) {
      return members;
    }
    List<Member> result = new ArrayList<>();
    Set<String> known = new HashSet<>();
    for (Member member : members) {
      Seat seat = member.seat();
      NodeInfo wanted = wish.get(member.storeId());
      int points = wanted == null ? 0 : wanted.virtualNodes();
      if (seat.points() + points > 0) { // else an earlier wish that was given up
        result.add(member.at(new Seat(seat.node(), seat.points(), points)));
      }
      known.add(member.storeId());
    }
    for (Map.Entry<String, NodeInfo> wanted : new TreeMap<>(wish).entrySet()) {
      if (!known.contains(wanted.getKey())) {
        Alive found = alive.get(wanted.getKey());
        Seat seat = new Seat(wanted.getValue(), 0, wanted.getValue().virtualNodes());
        result.add(
            found == null
                ? new Member(wanted.getKey(), State.AWAY, number, "-", seat)
                : new Member(wanted.getKey(), State.SYNCING, number, found.incarnation(), seat));
      }
    }
    return result;
  }
}
