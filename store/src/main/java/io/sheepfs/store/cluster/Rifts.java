package io.sheepfs.store.cluster;

import io.sheepfs.store.cluster.Epoch.Member;
import io.sheepfs.store.cluster.Epoch.State;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Who has to stay out of the next epoch, as some who are there do not hear each other. A pure
 * function of what ZooKeeper knows, so that all come to the same answer; docs/adr/0015 has the
 * reasons.
 *
 * <p><b>What counts.</b> A rift between two nodes counts if one of them leads, or is not SYNCED, or
 * if objects move, or if the epoch cannot open: else nobody waits for those two to talk to each
 * other, and an epoch with both of them has one copy more.
 *
 * <p><b>Who stays.</b> Of all groups of nodes without such a rift inside, each with the leader that
 * it would have, the one with the most SYNCED nodes; then the largest; then the one with the
 * leader; then the one with the nodes that stand first in the epoch. So a leader that hears nobody
 * gives way to two who hear each other, and where two nodes are left, the leader stays.
 */
final class Rifts {

  /** The most members of an epoch for which all groups are compared. */
  private static final int MOST = 2 * Replica.MAX_NODES;

  /** Two nodes, of which at least one does not hear the other, by store id. */
  record Rift(String first, String second) {

    /** The same rift, whoever tells of it. */
    static Rift between(String one, String other) {
      return one.compareTo(other) < 0 ? new Rift(one, other) : new Rift(other, one);
    }

    boolean isOf(String id) {
      return first.equals(id) || second.equals(id);
    }
  }

  private Rifts() {}

  /**
   * The members of an epoch that have to be counted as absent, by store id.
   *
   * @param there the incarnations of those who are there, by store id
   * @param cannotOpen whether the epoch has not opened, although all have had the time to
   */
  static Set<String> leftOut(
      Epoch epoch, Map<String, String> there, Set<Rift> rifts, boolean cannotOpen) {
    if (rifts.isEmpty()) {
      return Set.of();
    }
    List<Member> nodes =
        epoch.members().stream().filter(member -> there.containsKey(member.storeId())).toList();
    Set<Member> synced = new HashSet<>();
    for (Member node : nodes) {
      boolean same = node.incarnation().equals(there.get(node.storeId()));
      if (node.state() == State.SYNCED && same) {
        synced.add(node);
      }
    }
    if (synced.isEmpty() || nodes.size() > MOST) {
      return Set.of(); // without any, nobody can go on before those are back who are not there
    }
    boolean all = cannotOpen || epoch.isMoving();
    List<Member> best = List.of();
    int[] bestWorth = {};
    for (int bits = 1; bits < 1 << nodes.size(); bits++) {
      List<Member> group = group(nodes, bits);
      if (canWork(group, synced, rifts, all)) {
        int[] worth = worth(group, synced, nodes, bits);
        if (Arrays.compare(worth, bestWorth) > 0) {
          best = group;
          bestWorth = worth;
        }
      }
    }
    Set<String> out = new HashSet<>();
    for (Member node : nodes) {
      if (!best.contains(node)) {
        out.add(node.storeId());
      }
    }
    return out;
  }

  private static List<Member> group(List<Member> nodes, int bits) {
    List<Member> group = new ArrayList<>();
    for (int i = 0; i < nodes.size(); i++) {
      if ((bits & 1 << i) != 0) {
        group.add(nodes.get(i));
      }
    }
    return group;
  }

  private static @Nullable Member leader(List<Member> group, Set<Member> synced) {
    Member leader = null;
    for (Member node : group) {
      if (synced.contains(node) && (leader == null || node.since() < leader.since())) {
        leader = node;
      }
    }
    return leader;
  }

  /** Whether nobody in a group has to talk to somebody in it whom it does not hear. */
  private static boolean canWork(
      List<Member> group, Set<Member> synced, Set<Rift> rifts, boolean all) {
    Member leader = leader(group, synced);
    for (Member one : group) {
      for (Member other : group) {
        if (rifts.contains(new Rift(one.storeId(), other.storeId()))
            && (all
                || one.equals(leader)
                || other.equals(leader)
                || !synced.contains(one)
                || !synced.contains(other))) {
          return false;
        }
      }
    }
    return leader != null;
  }

  /** What makes one group better than another, what counts most first. */
  private static int[] worth(List<Member> group, Set<Member> synced, List<Member> nodes, int bits) {
    int syncedInside = 0;
    for (Member node : group) {
      syncedInside += synced.contains(node) ? 1 : 0;
    }
    boolean leads = group.contains(leader(nodes, synced));
    int standsFirst = Integer.reverse(bits) >>> 1; // without the sign
    return new int[] {syncedInside, group.size(), leads ? 1 : 0, standsFirst};
  }
}
