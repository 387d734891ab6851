package io.sheepfs.fuse;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.protocol.client.SheepAddresses;
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

  private static Cluster remote(MountConfig config) throws IOException {
    RemoteCluster cluster;
    try {
      cluster =
          RemoteCluster.connect(
              SheepAddresses.parse(config.address(), config.port()),
              ClientOptions.DEFAULTS.withRequestTimeout(config.timeout()).withTls(config.tls()));
    } catch (SheepException e) {
      throw new MountFailure(
          Sheepfs.EXIT_MOUNT_FAILED,
          "no sheep answers at "
              + config.source()
              + (e.getCause() == null ? "" : " (" + e.getCause().getMessage() + ")")
              + ".\nStart one there ('sheep DIR'), or name another with -a HOST -p PORT;"
              + "\nor mount a store of your own on this machine: sheepfs --store DIR "
              + config.mountpoint(),
          e);
    }
    boolean done = false;
    try {
      checkRunning(cluster, config);
      done = true;
      return cluster;
    } finally {
      if (!done) {
        cluster.close();
      }
    }
  }

  private static void checkRunning(Cluster cluster, MountConfig config) throws IOException {
    ResultCode state = cluster.info().state();
    if (state == ResultCode.WAIT_FOR_FORMAT) {
      throw new MountFailure(
          Sheepfs.EXIT_MOUNT_FAILED,
          "the cluster at "
              + config.source()
              + " is not formatted yet; do that first: dog cluster format");
    }
    if (state != ResultCode.SUCCESS) {
      throw new MountFailure(
          Sheepfs.EXIT_MOUNT_FAILED,
          "the cluster at " + config.source() + " does not run: " + state.text());
    }
  }
}
