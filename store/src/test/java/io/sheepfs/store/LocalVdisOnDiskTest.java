package io.sheepfs.store;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.VdiDirectoryContract;
import java.io.IOException;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

final class LocalVdisOnDiskTest extends VdiDirectoryContract {

  private final StoreDisk disk = StoreDisk.of(StoreDisk.Kind.REAL);

  /** After the suite closed the cluster. */
  @RegisterExtension final AfterEachCallback removal = context -> disk.close();

  LocalVdisOnDiskTest() throws IOException {}

  @Override
  protected Cluster open() throws IOException {
    return disk.open();
  }

  @Override
  protected Cluster another(Cluster first) {
    return ((LocalSheep) first).openSession();
  }
}
