package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.VdiId;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One entry of the epoch log: what each node of the cluster is from now on, and where it stands on
 * the ring.
 *
 * <p>As text: {@code epoch NUMBER SECONDS}, then for each node {@code STORE_ID STATE SINCE
 * INCARNATION POINTS NEXT_POINTS RECORD}, with the record of 80 bytes in hexadecimal digits; then
 * the {@link CopyNumber}s and the {@link Losses}.
 *
 * @param members all nodes on the ring and on the next one, in an order that stays
 * @param copies of the VDIs whose number of copies was ever changed
 * @param losses of what was not flushed
 */
record Epoch(
    int number,
    Instant started,
    List<Member> members,
    Map<VdiId, CopyNumber> copies,
    Losses losses) {

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
  record Member(String storeId, State state, int since, String incarnation, Seat seat) {

    /** In place of {@code since}, while it is away: nobody waits for it. */
    static final int GIVEN_UP = 0;

    /** Whether what it has does not count any more. */
    boolean isGivenUp() {
      return state == State.AWAY && since == GIVEN_UP;
    }

    boolean isPresent() {
      return state != State.AWAY;
    }

    Member as(State newState, int newSince, String newIncarnation) {
      return new Member(storeId, newState, newSince, newIncarnation, seat);
    }

    Member at(Seat newSeat) {
      return new Member(storeId, state, since, incarnation, newSeat);
    }
  }

  Epoch {
    members = List.copyOf(members);
    copies = Map.copyOf(copies);
  }

  /** One in which each VDI has as many copies as it was made with. */
  Epoch(int number, Instant started, List<Member> members) {
    this(number, started, members, Map.of());
  }

  /** One before which nothing that was unflushed was lost. */
  Epoch(int number, Instant started, List<Member> members, Map<VdiId, CopyNumber> copies) {
    this(number, started, members, copies, Losses.NONE);
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

  /** Whether objects move to other places. */
  boolean isMoving() {
    return members.stream().anyMatch(member -> member.seat().changes())
        || copies.values().stream().anyMatch(CopyNumber::changes);
  }

  /** The one who carries out what clients ask: the one who is synced the longest. */
  Optional<Member> leader() {
    Member leader = null;
    for (Member member : members) {
      boolean isSynced = member.state() == State.SYNCED;
      if (isSynced && (leader == null || member.since() < leader.since())) {
        leader = member;
      }
    }
    return Optional.ofNullable(leader);
  }

  String encode() {
    StringBuilder text = new StringBuilder();
    text.append("epoch ").append(number).append(' ').append(started.getEpochSecond()).append('\n');
    for (Member member : members) {
      text.append(member.storeId()).append(' ').append(member.state()).append(' ');
      text.append(member.since()).append(' ').append(member.incarnation()).append(' ');
      text.append(member.seat().points()).append(' ').append(member.seat().nextPoints());
      text.append(' ').append(hex(member.seat().node())).append('\n');
    }
    return text.append(CopyNumber.encode(copies)).append(losses.encode()).toString();
  }

  /** A node, in hexadecimal digits. */
  static String hex(NodeInfo node) {
    ByteBuffer record = ByteBuffer.allocate(NodeRecord.SIZE_BYTES);
    NodeRecord.of(node).encode(record);
    return HexFormat.of().formatHex(record.array());
  }

  /** What {@link #hex} made. */
  static NodeInfo node(String hex) {
    return NodeRecord.decode(ByteBuffer.wrap(HexFormat.of().parseHex(hex))).toNodeInfo();
  }

  /**
   * What {@link #encode} made.
   *
   * @throws RuntimeException if it is anything else
   */
  static Epoch decode(String text) {
    List<String> lines = text.lines().toList();
    String[] head = lines.get(0).split(" ", -1);
    if (!head[0].equals("epoch") || Integer.parseInt(head[1]) < 1) {
      throw new IllegalArgumentException("not an epoch: " + lines.get(0));
    }
    List<Member> members =
        lines.stream()
            .skip(1)
            .filter(line -> !CopyNumber.isOne(line) && !Losses.isOne(line))
            .map(line -> line.split(" ", -1))
            .map(
                words ->
                    new Member(
                        words[0],
                        State.valueOf(words[1]),
                        Integer.parseInt(words[2]),
                        words[3],
                        new Seat(
                            node(words[6]),
                            Integer.parseInt(words[4]),
                            Integer.parseInt(words[5]))))
            .toList();
    return new Epoch(
        Integer.parseInt(head[1]),
        Instant.ofEpochSecond(Long.parseLong(head[2])),
        members,
        CopyNumber.decode(text),
        Losses.decode(text));
  }
}
