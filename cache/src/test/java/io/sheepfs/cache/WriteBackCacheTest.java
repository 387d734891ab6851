package io.sheepfs.cache;

final class WriteBackCacheTest extends CacheContract {
  WriteBackCacheTest() {
    super(CacheMode.WRITEBACK);
  }
}
