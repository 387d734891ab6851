package io.sheepfs.dog;

import io.sheepfs.protocol.NodeInfo;
import io.sheepfs.protocol.NodeRecord;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.Ring;
import java.util.List;

/** Which nodes of a cluster keep an object. */
final class Placement {

  private final List<NodeInfo> nodes;
  private final Ring ring;

  Placement(List<NodeInfo> nodes) {
    this.nodes = List.copyOf(nodes);
    this.ring = new Ring(nodes.stream().map(NodeRecord::of).toList());
  }

  /** All nodes. */
  List<NodeInfo> nodes() {
    return nodes;
  }

  /**
   * The nodes of an object, the first replica first; fewer than {@code copies} for want of zones.
   */
  List<NodeInfo> of(ObjectId oid, int copies) {
    return ring.nodes(oid, Math.max(1, copies)).stream().map(NodeRecord::toNodeInfo).toList();
  }
}
