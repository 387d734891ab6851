package io.sheepfs.fuse;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.IOException;
import java.nio.file.Path;

/** Finds the cluster to mount: a sheep over the network, or a store in this process. */
final class ClusterChoice {

  private ClusterChoice() {}

  /**
   * Opens it.
   *
   * @throws MountFailure with the ways on
   */
  static Cluster open(MountConfig config) throws IOException {
    Path store = config.store();
    return store != null ? embedded(store) : remote(config);
  }

  private static Cluster embedded(Path store) throws MountFailure {
    try {
      return LocalSheep.open(store, LocalSheepOptions.defaults());
    } catch (IOException e) {
      throw new MountFailure(
          Sheepfs.EXIT_MOUNT_FAILED, "cannot use the store " + store + ": " + e.getMessage(), e);
    }
  }

  private static Cluster remote(MountConfig config) throws MountFailure {
    throw new MountFailure(
        Sheepfs.EXIT_MOUNT_FAILED,
        "no sheep answers at "
            + config.source()
            + ".\nStart one there ('sheep DIR'), or name another with -a HOST -p PORT;"
            + "\nor mount a store of your own on this machine: sheepfs --store DIR "
            + config.mountpoint());
  }
}
