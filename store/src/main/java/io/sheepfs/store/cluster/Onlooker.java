package io.sheepfs.store.cluster;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What a node that is not on the ring makes of the epochs: it serves clients, by passing on what
 * they ask to whoever leads in the epoch that is open. A gateway never does anything else; a node
 * that waits to be put on the ring does it meanwhile.
 *
 * <p>It has no part in the epoch: nobody waits for it, and it says of none that it is ready. So it
 * may look on later than the others, or stay behind for long; the leader refuses what is passed on
 * as of another epoch, and so nothing depends on what an onlooker believes.
 *
 * <p>By the one thread that follows the epochs.
 */
final class Onlooker {

  private final ClusterSheep sheep;
  private final Registry registry;
  private final String self;
  private @Nullable View view;
  private boolean open;

  /**
   * Looks at nothing yet.
   *
   * @param self the id of the store of this node
   */
  Onlooker(ClusterSheep sheep, Registry registry, String self) {
    this.sheep = sheep;
    this.registry = registry;
    this.self = self;
  }

  /** Serves clients as of an epoch of which this node is no member, if it is open. */
  void look(Layout layout, Epoch epoch) throws IOException {
    View now = view;
    if (now == null
        || now.number() != epoch.number()
        || now.layout().createTime() != layout.createTime()) {
      end();
      now = new View(layout, epoch, self);
      view = now;
    }
    if (!open && registry.areReady(now)) {
      open = true;
      sheep.opened(now);
    }
  }

  /** Passes nothing on any more. */
  void end() {
    if (open) {
      sheep.closed(false);
    }
    open = false;
    view = null;
  }
}
