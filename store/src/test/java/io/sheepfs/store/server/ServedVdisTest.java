package io.sheepfs.store.server;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.VdiDirectoryContract;
import java.io.IOException;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.RegisterExtension;

final class ServedVdisTest extends VdiDirectoryContract {

  private final ServedStore store = new ServedStore(true, ServerOptions.DEFAULTS);

  /** After the suite closed the cluster. */
  @RegisterExtension final AfterEachCallback removal = context -> store.close();

  ServedVdisTest() throws IOException {}

  @Override
  protected Cluster open() throws IOException {
    return store.connect();
  }

  @Override
  protected Cluster another(Cluster first) throws IOException {
    return store.connect();
  }
}
