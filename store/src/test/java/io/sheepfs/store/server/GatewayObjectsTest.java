package io.sheepfs.store.server;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ObjectStoreContract;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The contract, over the network and through the cache of a gateway. */
final class GatewayObjectsTest extends ObjectStoreContract {

  private @TempDir Path folder;
  private @Nullable ServedGateway gateway;

  @Override
  protected Cluster open() throws Exception {
    return gateway().connect();
  }

  @Override
  protected Cluster another(Cluster first) throws Exception {
    return gateway().connect();
  }

  private ServedGateway gateway() throws Exception {
    ServedGateway running = gateway;
    if (running == null) {
      running = new ServedGateway(folder);
      gateway = running;
    }
    return running;
  }

  @AfterEach
  void stop() throws Exception {
    gateway().close();
  }
}
