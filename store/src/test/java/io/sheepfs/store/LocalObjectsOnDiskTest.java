package io.sheepfs.store;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.ObjectStoreContract;
import java.io.IOException;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

final class LocalObjectsOnDiskTest extends ObjectStoreContract {

  private final StoreDisk disk = StoreDisk.of(StoreDisk.Kind.REAL);

  /** After the suite closed the cluster. */
  @RegisterExtension final AfterEachCallback removal = context -> disk.close();

  LocalObjectsOnDiskTest() throws IOException {}

  @Override
  protected Cluster open() throws IOException {
    return disk.open();
  }

  @Override
  protected Cluster another(Cluster first) {
    return ((LocalSheep) first).openSession();
  }
}
