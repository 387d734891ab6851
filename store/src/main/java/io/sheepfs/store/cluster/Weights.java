package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.store.cluster.Registry.Found;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How many points nodes get on a ring. A pure function.
 *
 * <p>On a new ring they are in proportion to the sizes of the disks, 128 for the mean, as the
 * original has it. On a ring that there is, a node that joins gets as many points a byte as the
 * nodes there have, so that they keep theirs, and nothing moves but what the new node gets. (The
 * original reckons all anew.) Whoever was started with a number of its own gets that.
 */
final class Weights {

  private static final int MEAN_POINTS = 128;
  private static final int MOST_POINTS = 0xFFFF;
  private static final int SMALL_SHARE = 100;

  private Weights() {}

  /**
   * The nodes with the points that they should have.
   *
   * @param there those that store
   * @param ring the members of the ring that there is; none for a new one
   * @param byDisk whether the cluster was formatted to go by the sizes of disks
   */
  static Map<String, NodeInfo> of(Map<String, Found> there, @Nullable Epoch ring, boolean byDisk) {
    Map<String, NodeInfo> result = new HashMap<>();
    double pointsPerByte = pointsPerByte(there, ring);
    there.forEach(
        (id, found) -> {
          NodeInfo node = found.info();
          boolean isWeighted = byDisk && found.isWeighted() && node.spaceBytes() > 0;
          int points = isWeighted ? weight(node, pointsPerByte) : node.virtualNodes();
          int standing = points(id, ring);
          boolean isSame =
              isWeighted && Math.abs(points - standing) <= Math.max(1, standing / SMALL_SHARE);
          result.put(id, with(node, standing > 0 && isSame ? standing : points));
        });
    return result;
  }

  private static int weight(NodeInfo node, double pointsPerByte) {
    double points = Math.rint(pointsPerByte * node.spaceBytes());
    return (int) Math.max(1, Math.min(points, MOST_POINTS));
  }

  private static int points(String id, @Nullable Epoch ring) {
    Epoch.Member member = ring == null ? null : ring.member(id);
    return member == null ? 0 : member.seat().points();
  }

  /** Of the nodes on the ring the one in the middle: one disk that was replaced moves no other. */
  private static double pointsPerByte(Map<String, Found> there, @Nullable Epoch ring) {
    List<Double> standing = new ArrayList<>();
    double space = 0;
    int nodes = 0;
    for (Map.Entry<String, Found> node : there.entrySet()) {
      long bytes = node.getValue().info().spaceBytes();
      int points = points(node.getKey(), ring);
      if (bytes > 0 && points > 0 && node.getValue().isWeighted()) {
        standing.add((double) points / bytes);
      }
      space += bytes;
      nodes += bytes > 0 ? 1 : 0;
    }
    if (standing.isEmpty()) {
      return space == 0 ? 0 : MEAN_POINTS / (space / nodes);
    }
    standing.sort(null);
    return standing.get(standing.size() / 2);
  }

  private static NodeInfo with(NodeInfo node, int points) {
    return new NodeInfo(node.address(), node.port(), points, node.zone(), node.spaceBytes());
  }
}
