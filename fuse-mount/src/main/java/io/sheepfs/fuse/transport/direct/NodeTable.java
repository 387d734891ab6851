package io.sheepfs.fuse.transport.direct;

import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The nodes the kernel holds on to, by the number it knows them by, with its count of look-ups:
 * each entry we reply adds one, FORGET takes some away, and at 0 the number means nothing any more.
 *
 * <p>Safe for any number of threads.
 */
final class NodeTable<N> {

  private record Held<N>(N node, long lookups) {}

  private final ConcurrentHashMap<Long, Held<N>> nodes = new ConcurrentHashMap<>();
  private final N root;

  NodeTable(N root) {
    this.root = root;
  }

  /** Counts one look-up of a node. The number stays the node's as long as the kernel holds it. */
  void remember(long number, N node) {
    if (number != FuseAbi.ROOT_ID) {
      nodes.compute(number, (key, held) -> new Held<>(node, held == null ? 1 : held.lookups() + 1));
    }
  }

  /** The node with a number; null if the kernel does not hold it. */
  @Nullable N get(long number) {
    if (number == FuseAbi.ROOT_ID) {
      return root;
    }
    Held<N> held = nodes.get(number);
    return held == null ? null : held.node();
  }

  /** Takes look-ups back. */
  void forget(long number, long lookups) {
    nodes.computeIfPresent(
        number,
        (key, held) ->
            held.lookups() <= lookups ? null : new Held<>(held.node(), held.lookups() - lookups));
  }

  /** How many nodes the kernel holds, the root not counted. */
  int size() {
    return nodes.size();
  }
}
