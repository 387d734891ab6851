package io.sheepfs.cache;

import io.sheepfs.protocol.Cluster;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectStoreContract;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The contract of object stores, for a cache on the real disk over a cluster in memory. */
abstract class CacheContract extends ObjectStoreContract {

  private final MemoryCluster memory = new MemoryCluster();
  private final ExecutorService pushes = Executors.newFixedThreadPool(4);
  private final CacheMode mode;
  private @TempDir Path directory;

  CacheContract(CacheMode mode) {
    this.mode = mode;
  }

  @Override
  protected Cluster open() throws Exception {
    MemoryCluster session = memory.newSession();
    CacheOptions options = CacheOptions.defaults().withMode(mode).withLimits(64 << 20, 0, 64 << 20);
    return new CachedMemory(
        session,
        ObjectCache.open(session.objects(), directory.resolve("cache"), "test", options, pushes));
  }

  @Override
  protected Cluster another(Cluster first) {
    return memory.newSession();
  }

  @AfterEach
  final void stop() {
    pushes.shutdownNow();
  }
}
