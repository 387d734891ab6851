package io.sheepfs.cache.coherence;

import io.sheepfs.cache.CacheOptions;
import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.VdiDirectoryContract;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The contract, for clients with caches. */
final class CachedVdisTest extends VdiDirectoryContract {

  private final MemoryCluster memory = new MemoryCluster();
  private @TempDir Path folder;
  private int clients;

  @Override
  protected boolean leavesMarks() {
    return true;
  }

  @Override
  protected Cluster open() throws Exception {
    return open("cache");
  }

  @Override
  protected Cluster another(Cluster first) throws Exception {
    return open("cache " + ++clients);
  }

  private Cluster open(String name) throws Exception {
    return CachedCluster.open(
        memory.newSession(),
        folder.resolve(name),
        "test",
        CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20));
  }
}
