package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.RemoteCluster;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;

/** A VDI of a cluster of processes, all of whose objects are there, and what they should be. */
final class TestDisk {

  private static final int BLOCK = 4096;

  private final RemoteCluster cluster;
  private final VdiId vid;
  private final byte[][] expected;
  private final Random random = new Random();

  /**
   * Makes it, with zeros.
   *
   * @param copies 0 for as many as others have
   */
  TestDisk(RemoteCluster cluster, VdiName name, int objects, int copies) throws SheepException {
    this.cluster = cluster;
    this.vid = cluster.vdis().create(name, new VdiSpec((long) objects << 22, copies, 0)).vid();
    this.expected = new byte[objects][BLOCK];
    for (int i = 0; i < objects; i++) {
      cluster.objects().create(data(i), 0, ByteBuffer.allocate(BLOCK), Durability.UNSTABLE);
      ByteBuffer entry =
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(0, vid.value());
      cluster
          .objects()
          .write(ObjectId.inode(vid), InodeLayout.indexOffset(i), entry, Durability.UNSTABLE);
    }
  }

  VdiId vid() {
    return vid;
  }

  int objects() {
    return expected.length;
  }

  ObjectId data(int index) {
    return ObjectId.data(vid, index);
  }

  void flush() throws SheepException {
    cluster.objects().flush(vid);
  }

  /** Overwrites one of the objects. */
  void write(RemoteCluster through) throws SheepException {
    int index = random.nextInt(expected.length);
    byte[] block = new byte[BLOCK];
    random.nextBytes(block);
    Durability durability = random.nextBoolean() ? Durability.UNSTABLE : Durability.STABLE;
    through.objects().write(data(index), 0, ByteBuffer.wrap(block), durability);
    expected[index] = block;
  }

  void write(int times) throws SheepException {
    for (int i = 0; i < times; i++) {
      write(cluster);
    }
  }

  /** Writes and flushes until {@code ends}, and tells how often. */
  CompletableFuture<Integer> load(AtomicBoolean ends) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            int rounds = 0;
            while (!ends.get()) {
              write(40);
              flush();
              rounds++;
            }
            return rounds;
          } catch (SheepException e) {
            throw new CompletionException(e);
          }
        });
  }

  void verify() throws SheepException {
    verify(cluster);
  }

  void verify(RemoteCluster through) throws SheepException {
    for (int i = 0; i < expected.length; i++) {
      byte[] found = new byte[BLOCK];
      through.objects().read(data(i), 0, ByteBuffer.wrap(found));
      assertArrayEquals(expected[i], found, "object " + data(i));
    }
  }
}
