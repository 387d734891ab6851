package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;

/**
 * Where a node stands: how many points it has on the ring, and on the next one. Where they differ,
 * objects move.
 *
 * @param node how the others reach it, and its zone
 * @param points on the ring; 0 if it is not on it
 * @param nextPoints likewise, when the objects will have moved
 */
record Seat(NodeInfo node, int points, int nextPoints) {

  Seat {
    boolean fit = (points | nextPoints) >>> Short.SIZE == 0; // as on the wire
    if (!fit || points + nextPoints == 0) {
      throw new IllegalArgumentException(points + " points, then " + nextPoints);
    }
  }

  /** The place of a node that stays as it is. */
  static Seat of(NodeInfo node) {
    return new Seat(node, node.virtualNodes(), node.virtualNodes());
  }

  boolean isOnRing() {
    return points > 0;
  }

  boolean isOnNextRing() {
    return nextPoints > 0;
  }

  boolean changes() {
    return points != nextPoints;
  }

  /** The node as it stands on the ring. */
  NodeInfo placed() {
    return with(points);
  }

  NodeRecord record() {
    return NodeRecord.of(with(points));
  }

  NodeRecord nextRecord() {
    return NodeRecord.of(with(nextPoints));
  }

  private NodeInfo with(int virtualNodes) {
    return new NodeInfo(node.address(), node.port(), virtualNodes, node.zone(), node.spaceBytes());
  }
}
