package io.sheepfs.cache;

final class WriteThroughCacheTest extends CacheContract {
  WriteThroughCacheTest() {
    super(CacheMode.WRITETHROUGH);
  }
}
