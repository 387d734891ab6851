package io.sheepfs.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How many files of a cache are open. */
final class OpenFilesTest {

  private static final int BLOCK = 4096;
  private static final int OBJECTS = 40;
  private static final int MAX = 8;

  private final SimDisk disk = new SimDisk();
  private final Counters counters = new Counters();
  private final VdiCache vdi =
      new VdiCache(new VdiId(7), 20, new Share(""), new OpenFiles(MAX), null);

  private static ByteBuffer filled(int value) {
    ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
    for (int i = 0; i < BLOCK; i++) {
      bytes.put(i, (byte) value);
    }
    return bytes;
  }

  private static long open(List<CachedObject> objects) {
    return objects.stream().filter(object -> object.file != null).count();
  }

  @Test
  void manyObjects_fewFilesOpenAndAllReadable() throws Exception {
    List<CachedObject> objects = new ArrayList<>();
    for (int i = 0; i < OBJECTS; i++) {
      CachedObject object = new CachedObject(ObjectId.data(vdi.vid, i), vdi, counters);
      objects.add(object);
      object.write(disk, 0, filled(i), 0);
      assertTrue(open(objects) <= MAX, "open: " + open(objects));
    }
    for (int i = 0; i < OBJECTS; i++) {
      ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
      objects.get(i).prepare(disk);
      objects.get(i).read(bytes, 0);
      assertEquals(filled(i), bytes.flip());
      assertTrue(open(objects) <= MAX, "open: " + open(objects));
    }
  }

  @Test
  void usedObject_staysOpen() throws Exception {
    CachedObject used = new CachedObject(ObjectId.data(vdi.vid, 99), vdi, counters);
    used.write(disk, 0, filled(1), 0);
    for (int i = 0; i < OBJECTS; i++) {
      new CachedObject(ObjectId.data(vdi.vid, i), vdi, counters).prepare(disk);
      assertTrue(used.file != null, "closed after " + i);
      used.read(ByteBuffer.allocate(BLOCK), 0);
    }
  }

  @Test
  void objectInUse_notClosed() throws Exception {
    CachedObject busy = new CachedObject(ObjectId.data(vdi.vid, 99), vdi, counters);
    busy.prepare(disk);
    long stamp = busy.lock.readLock();
    for (int i = 0; i < OBJECTS; i++) {
      new CachedObject(ObjectId.data(vdi.vid, i), vdi, counters).prepare(disk);
    }
    assertTrue(busy.file != null);
    busy.lock.unlockRead(stamp);
  }

  /** Through the whole cache: an object whose file was closed is read and pushed as any other. */
  @Test
  void cache_moreObjectsThanFiles_nothingLost() throws Exception {
    MemoryCluster cluster = new MemoryCluster(20);
    VdiId vid = cluster.vdis().create(new VdiName("disk"), VdiSpec.ofSize(40 << 20)).vid();
    CacheOptions options = CacheOptions.defaults().withLimits(64 << 20, 0, 64 << 20);
    try (ObjectCache cache =
        new ObjectCache(
            cluster.objects(), disk, "test", options, Runnable::run, System::nanoTime, MAX)) {
      for (int i = 0; i < OBJECTS; i++) {
        cache.create(ObjectId.data(vid, i), 0, ByteBuffer.allocate(0), Durability.STABLE);
        cache.write(ObjectId.data(vid, i), 0, filled(i), Durability.UNSTABLE);
      }
      for (int round = 0; round < 2; round++) {
        for (int i = 0; i < OBJECTS; i++) {
          ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
          cache.read(ObjectId.data(vid, i), 0, bytes);
          assertEquals(filled(i), bytes.flip());
        }
        cache.flush(vid);
      }
      for (int i = 0; i < OBJECTS; i++) {
        ByteBuffer bytes = ByteBuffer.allocate(BLOCK);
        cluster.objects().read(ObjectId.data(vid, i), 0, bytes);
        assertEquals(filled(i), bytes.flip());
      }
      assertEquals(0, cache.status().diskFailures());
      cache.assertInvariants();
    }
  }
}
