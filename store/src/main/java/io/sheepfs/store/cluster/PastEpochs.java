package io.sheepfs.store.cluster;

import io.sheepfs.protocol.ClusterInfo;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The epochs of the cluster as its log in ZooKeeper tells them, each read once: an epoch never
 * changes. Safe for any number of threads.
 */
final class PastEpochs {

  private final Registry registry;
  private final String self;
  private final Map<Integer, ClusterInfo.Epoch> known = new ConcurrentHashMap<>();

  /**
   * Knows none yet.
   *
   * @param self the id of the store of this node
   */
  PastEpochs(Registry registry, String self) {
    this.registry = registry;
    this.self = self;
  }

  /**
   * All epochs, the last first.
   *
   * @throws SheepException if the log cannot be read
   */
  List<ClusterInfo.Epoch> downFrom(int last, Layout layout) throws SheepException {
    List<ClusterInfo.Epoch> epochs = new ArrayList<>();
    for (int number = last; number > 0; number--) {
      ClusterInfo.Epoch epoch = known.get(number);
      if (epoch == null) {
        epoch = read(number, layout);
        known.put(number, epoch);
      }
      epochs.add(epoch);
    }
    return epochs;
  }

  private ClusterInfo.Epoch read(int number, Layout layout) throws SheepException {
    try {
      Epoch epoch = registry.epoch(layout.createTime(), number);
      View view = new View(layout, epoch, self);
      return new ClusterInfo.Epoch(number, epoch.started(), NodeLists.present(view));
    } catch (IOException e) {
      throw new SheepException(ResultCode.CLUSTER_ERROR, "epoch " + number, e);
    }
  }

  /** The cluster was formatted, and its epochs begin anew. */
  void forget() {
    known.clear();
  }
}
