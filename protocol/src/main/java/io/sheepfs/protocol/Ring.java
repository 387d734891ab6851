package io.sheepfs.protocol;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Which nodes keep which object: consistent hashing, the same as the original's for the same nodes.
 *
 * <p>Each node has as many points on a ring of unsigned 64-bit numbers as it has virtual nodes; the
 * first is the hash of its address and port, chained once more, and each next one the hash of the
 * one before. An object's copies are on the nodes of the first point at or behind its own hash and
 * of the points that follow, one in each zone. So a node that joins or leaves moves no more objects
 * than it gains or loses.
 *
 * <p>Immutable.
 */
public final class Ring {

  private record Point(long position, NodeRecord node) {}

  private static final Comparator<Point> BY_POSITION =
      (a, b) -> Long.compareUnsigned(a.position, b.position);

  private final Point[] points;
  private final int zones;

  /**
   * The ring of some nodes, in any order. Those without virtual nodes store nothing and are not on
   * it.
   *
   * @throws IllegalArgumentException if two points fall together, as those of a node given twice do
   */
  public Ring(List<NodeRecord> nodes) {
    List<Point> all = new ArrayList<>();
    for (NodeRecord node : nodes) {
      long position = Fnv1a.ringPosition(node.id().ringBytes());
      for (int i = 0; i < node.virtualNodes(); i++) {
        position = Fnv1a.next(position);
        all.add(new Point(position, node));
      }
    }
    this.points = all.toArray(new Point[0]);
    Arrays.sort(points, BY_POSITION);
    for (int i = 1; i < points.length; i++) {
      if (points[i - 1].position == points[i].position) {
        throw new IllegalArgumentException(
            "on one place of the ring: " + points[i - 1].node + " and " + points[i].node);
      }
    }
    this.zones =
        (int)
            nodes.stream()
                .filter(node -> node.virtualNodes() > 0)
                .mapToInt(NodeRecord::zone)
                .distinct()
                .count();
  }

  /** In how many zones there are nodes that store: the most copies an object can have. */
  public int zones() {
    return zones;
  }

  /**
   * The nodes that keep an object, the first of which is asked first.
   *
   * @param copies wanted; there are fewer nodes in the result if there are fewer zones
   * @throws IllegalArgumentException if {@code copies} is not positive
   */
  public List<NodeRecord> nodes(ObjectId oid, int copies) {
    if (copies <= 0) {
      throw new IllegalArgumentException(copies + " copies");
    }
    int wanted = Math.min(copies, zones);
    List<NodeRecord> chosen = new ArrayList<>(wanted);
    for (int at = firstAtOrBehind(Fnv1a.ringPosition(oid)); chosen.size() < wanted; at++) {
      NodeRecord candidate = points[at % points.length].node;
      if (!hasZone(chosen, candidate.zone())) {
        chosen.add(candidate);
      }
    }
    return chosen;
  }

  private int firstAtOrBehind(long position) {
    int low = 0;
    int high = points.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Long.compareUnsigned(points[middle].position, position) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static boolean hasZone(List<NodeRecord> nodes, int zone) {
    for (NodeRecord node : nodes) {
      if (node.zone() == zone) {
        return true;
      }
    }
    return false;
  }
}
