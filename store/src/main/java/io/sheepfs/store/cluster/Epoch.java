package io.sheepfs.store.cluster;

import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One entry of the epoch log: what each node on the ring is from now on.
 *
 * <p>As text: {@code epoch NUMBER SECONDS}, then for each node {@code STORE_ID STATE SINCE
 * INCARNATION}.
 *
 * @param members all nodes of the {@link Layout}, in its order
 */
record Epoch(int number, Instant started, List<Member> members) {

  /** What a node has. */
  enum State {
    /** Every object it should have, as it is. */
    SYNCED,
    /** It takes all changes, and is being brought up to date. */
    SYNCING,
    /** It is not there. */
    AWAY
  }

  /**
   * A node in this epoch.
   *
   * @param incarnation its session; a node that lost its session, or was started anew, is another
   *     one
   * @param since the epoch in which it became SYNCED, or stopped to be
   */
  record Member(String storeId, State state, int since, String incarnation) {

    boolean isPresent() {
      return state != State.AWAY;
    }
  }

  Epoch {
    members = List.copyOf(members);
  }

  @Nullable Member member(String storeId) {
    for (Member member : members) {
      if (member.storeId().equals(storeId)) {
        return member;
      }
    }
    return null;
  }

  List<Member> in(State state) {
    return members.stream().filter(member -> member.state() == state).toList();
  }

  /** The one who carries out what clients ask: the one who is synced the longest. */
  Optional<Member> leader() {
    return in(State.SYNCED).stream().min(Comparator.comparingInt(Member::since));
  }

  String encode() {
    StringBuilder text = new StringBuilder();
    text.append("epoch ").append(number).append(' ').append(started.getEpochSecond()).append('\n');
    for (Member member : members) {
      text.append(member.storeId()).append(' ').append(member.state()).append(' ');
      text.append(member.since()).append(' ').append(member.incarnation()).append('\n');
    }
    return text.toString();
  }

  static Epoch decode(String text) {
    List<String> lines = text.lines().toList();
    String[] head = lines.get(0).split(" ", -1);
    List<Member> members =
        lines.stream()
            .skip(1)
            .map(line -> line.split(" ", -1))
            .map(
                words ->
                    new Member(
                        words[0], State.valueOf(words[1]), Integer.parseInt(words[2]), words[3]))
            .toList();
    return new Epoch(
        Integer.parseInt(head[1]), Instant.ofEpochSecond(Long.parseLong(head[2])), members);
  }
}
