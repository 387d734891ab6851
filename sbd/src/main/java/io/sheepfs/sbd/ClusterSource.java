package io.sheepfs.sbd;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.RemoteCluster;
import io.sheepfs.protocol.tls.TlsFolder;
import io.sheepfs.store.LocalSheep;
import io.sheepfs.store.LocalSheepOptions;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The cluster whose VDIs are served: a sheep over the network, or a store in this process.
 *
 * @param store the directory of the embedded store; null to talk to a sheep
 * @param timeout how long a request to a sheep that does not answer is repeated, before it fails
 * @param tls the certificates for connections to a sheep; null for none
 */
record ClusterSource(
    @Nullable Path store, String address, int port, Duration timeout, @Nullable TlsFolder tls) {

  /**
   * Opens it.
   *
   * @throws IOException with the ways on, for a person
   */
  Cluster open() throws IOException {
    return store != null ? embedded(store) : remote();
  }

  private static Cluster embedded(Path directory) throws IOException {
    try {
      return LocalSheep.open(directory, LocalSheepOptions.defaults());
    } catch (IOException e) {
      throw new IOException("cannot use the store " + directory + ": " + e.getMessage(), e);
    }
  }

  private Cluster remote() throws IOException {
    RemoteCluster cluster;
    try {
      cluster =
          RemoteCluster.connect(
              List.of(new InetSocketAddress(address, port)),
              ClientOptions.DEFAULTS.withRequestTimeout(timeout).withTls(tls));
    } catch (SheepException e) {
      throw new IOException(
          "no sheep answers at "
              + this
              + (e.getCause() == null ? "" : " (" + e.getCause().getMessage() + ")")
              + ".\nStart one there ('sheep DIR'), or name another with -a HOST -p PORT;"
              + "\nor serve a store of your own on this machine: sbd serve --store DIR",
          e);
    }
    boolean done = false;
    try {
      ResultCode state = cluster.info().state();
      if (state == ResultCode.WAIT_FOR_FORMAT) {
        throw new IOException(
            "the cluster at " + this + " is not formatted yet; do that first: dog cluster format");
      }
      if (state != ResultCode.SUCCESS) {
        throw new IOException("the cluster at " + this + " does not run: " + state.text());
      }
      done = true;
      return cluster;
    } finally {
      if (!done) {
        cluster.close();
      }
    }
  }

  @Override
  public String toString() {
    return store != null ? store.toString() : address + ":" + port;
  }
}
