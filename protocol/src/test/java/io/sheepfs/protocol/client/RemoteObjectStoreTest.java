package io.sheepfs.protocol.client;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectStoreContract;
import java.util.List;
import org.junit.jupiter.api.AfterEach;

final class RemoteObjectStoreTest extends ObjectStoreContract {

  private final FakeSheep sheep = new FakeSheep(new MemoryCluster(), 0);

  @Override
  protected Cluster open() throws Exception {
    return RemoteCluster.connect(List.of(sheep.address()), ClientOptions.DEFAULTS);
  }

  @Override
  protected Cluster another(Cluster first) throws Exception {
    return open();
  }

  @AfterEach
  void closeSheep() {
    sheep.close();
  }
}
