package io.sheepfs.store.cluster;

import io.sheepfs.protocol.client.ClientOptions;
import io.sheepfs.protocol.client.PeerLinks;
import io.sheepfs.protocol.client.SheepLinks;
import java.io.IOException;
import java.time.Duration;

/** How a sheep reaches the others, and what all agree on. */
interface Network {

  /** Connections to the others. */
  PeerLinks links();

  /** Connections for what an operation over {@link #links} may wait for. */
  PeerLinks recoveryLinks();

  /**
   * Connections of their own to ask the others whether they live.
   *
   * @param patience how long an answer is waited for
   */
  PeerLinks hearingLinks(Duration patience);

  /**
   * Begins a session with the agreement.
   *
   * @param changed called when anything may have changed; returns at once
   */
  Agreement agreement(Runnable changed);

  /** The network of a process: TCP and ZooKeeper. */
  static Network over(ClusterOptions options) throws IOException {
    ClientOptions client =
        new ClientOptions(Duration.ofSeconds(2), options.peerTimeout(), 4, null)
            .withTls(options.tls());
    return new Network() {
      @Override
      public PeerLinks links() {
        return new SheepLinks(client);
      }

      @Override
      public PeerLinks recoveryLinks() {
        return new SheepLinks(client.withConnections(1));
      }

      @Override
      public PeerLinks hearingLinks(Duration patience) {
        return new SheepLinks(client.withConnections(1).withRequestTimeout(patience));
      }

      @Override
      public Agreement agreement(Runnable changed) {
        return Ensemble.open(
            options.servers(),
            options.cluster(),
            options.login(),
            options.sessionTimeout(),
            changed);
      }
    };
  }
}
