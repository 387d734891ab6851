package io.sheepfs.store.cluster;

import io.sheepfs.protocol.NodeId;
import io.sheepfs.protocol.NodeInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** The nodes as everybody numbers them: by address and port. */
final class NodeLists {

  private NodeLists() {}

  static List<NodeInfo> sorted(List<NodeInfo> nodes) {
    return nodes.stream()
        .sorted(Comparator.comparing(node -> new NodeId(node.address(), node.port())))
        .toList();
  }

  /** Those that are there, by their ids, as they were started. */
  static List<NodeInfo> found(Map<String, Registry.Found> members) {
    return sorted(members.values().stream().map(Registry.Found::info).toList());
  }

  /** Those that have a part in an epoch. */
  static List<NodeInfo> present(View view) {
    return sorted(view.present().stream().map(View.Peer::node).toList());
  }

  /**
   * Those, and the gateways that are there: nodes that were started to be on no ring.
   *
   * @param found all nodes that are there, as they were started
   */
  static List<NodeInfo> serving(View view, List<NodeInfo> found) {
    List<NodeInfo> nodes = new ArrayList<>(present(view));
    for (NodeInfo node : found) {
      boolean isMember =
          view.all().stream()
              .map(View.Peer::node)
              .anyMatch(
                  member ->
                      member.port() == node.port() && member.address().equals(node.address()));
      if (node.virtualNodes() == 0 && !isMember) {
        nodes.add(node);
      }
    }
    return sorted(nodes);
  }
}
