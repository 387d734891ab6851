package io.sheepfs.cache;

final class OffCacheTest extends CacheContract {
  OffCacheTest() {
    super(CacheMode.OFF);
  }
}
