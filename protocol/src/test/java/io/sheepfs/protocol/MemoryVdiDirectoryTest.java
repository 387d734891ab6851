package io.sheepfs.protocol;

final class MemoryVdiDirectoryTest extends VdiDirectoryContract {

  private final MemoryCluster memory = new MemoryCluster();

  @Override
  protected Cluster open() {
    return memory.newSession();
  }

  @Override
  protected Cluster another(Cluster first) {
    return memory.newSession();
  }
}
