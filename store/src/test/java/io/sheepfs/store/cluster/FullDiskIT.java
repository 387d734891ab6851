package io.sheepfs.store.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sheepfs.protocol.Durability;
import io.sheepfs.protocol.InodeLayout;
import io.sheepfs.protocol.ObjectId;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiId;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.protocol.client.RemoteCluster;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * A cluster of processes of which one has a disk that is really full: somebody else has filled it,
 * and it refuses what the others take. Changes of an index are not asked about before ({@link
 * Room}), so that they do get there. By hand, as root: {@code -Dsheepfs.cluster.rounds=1}.
 */
@EnabledIfSystemProperty(named = "sheepfs.cluster.rounds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class FullDiskIT {

  private static final int FAR = 50_000;
  private static final int OBJECTS = 8;
  private static final int BLOCK = 4096;

  private SheepProcesses sheep;
  private RemoteCluster cluster;
  private Path disk = Path.of("/");
  private boolean isMounted;

  private static boolean run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command).inheritIO().start().waitFor() == 0;
  }

  @BeforeEach
  void startAll(@TempDir Path directory) throws Exception {
    sheep = new SheepProcesses(directory);
    disk = sheep.disk(0, "small");
    Files.createDirectories(disk);
    isMounted = run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk.toString());
    assumeTrue(isMounted, "this needs root");
    sheep.startWithDisks(0, "small");
    sheep.start(1);
    sheep.start(2);
    sheep.format();
    sheep.awaitSynced();
    cluster = sheep.connect();
  }

  @AfterEach
  void stopAll() throws Exception {
    if (cluster != null) {
      cluster.close();
    }
    sheep.close();
    if (isMounted) {
      assertTrue(run("umount", disk.toString()));
    }
  }

  private void fill() throws IOException {
    byte[] bytes = new byte[1 << 16];
    Arrays.fill(bytes, (byte) 7);
    int length = bytes.length;
    try (OutputStream ballast = Files.newOutputStream(disk.resolve("ballast"))) {
      while (length > 0) {
        try {
          ballast.write(bytes, 0, length);
        } catch (IOException full) {
          length /= 2;
        }
      }
    }
  }

  private void name(VdiId vid, int index) throws SheepException {
    ByteBuffer entry = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN);
    cluster
        .objects()
        .write(
            ObjectId.inode(vid),
            InodeLayout.indexOffset(index),
            entry.putInt(0, vid.value()),
            Durability.UNSTABLE);
  }

  private static byte[] block(int value) {
    byte[] block = new byte[BLOCK];
    Arrays.fill(block, (byte) value);
    return block;
  }

  private ResultCode refusal(VdiId vid, int index) {
    return assertThrows(SheepException.class, () -> name(vid, index)).result();
  }

  @Test
  void diskThatIsFull_isToldToTheWriter_andItsNodeStays() throws Exception {
    VdiId vid = cluster.vdis().create(new VdiName("v"), new VdiSpec(1L << 40, 0, 0)).vid();
    for (int i = 0; i < OBJECTS; i++) {
      ObjectId oid = ObjectId.data(vid, i);
      cluster.objects().create(oid, 0, ByteBuffer.wrap(block(i)), Durability.UNSTABLE);
      name(vid, i);
    }
    cluster.objects().flush(vid);
    int epoch = sheep.lastEpoch();
    fill();
    for (int i = 1; i < 5; i++) {
      assertEquals(ResultCode.NO_SPACE, refusal(vid, i * FAR));
    }
    ObjectId more = ObjectId.data(vid, OBJECTS);
    SheepException refused =
        assertThrows(
            SheepException.class,
            () ->
                cluster.objects().create(more, 0, ByteBuffer.wrap(block(1)), Durability.UNSTABLE));
    assertEquals(ResultCode.NO_SPACE, refused.result());
    for (int i = 0; i < OBJECTS; i++) {
      byte[] found = new byte[BLOCK];
      cluster.objects().read(ObjectId.data(vid, i), 0, ByteBuffer.wrap(found));
      assertArrayEquals(block(i), found);
    }
    for (int node = 0; node < SheepProcesses.NODES; node++) {
      assertTrue(sheep.isRunning(node));
    }
    sheep.awaitSynced();
    assertEquals(epoch, sheep.lastEpoch(), "nobody has left");
    assertEquals(sheep.contents(1), sheep.contents(0));
    Files.delete(disk.resolve("ballast"));
    name(vid, FAR);
    sheep.eventually(
        "there is space again",
        () -> {
          cluster.objects().create(more, 0, ByteBuffer.wrap(block(1)), Durability.UNSTABLE);
          return true;
        });
    cluster.objects().flush(vid);
    assertEquals(sheep.contents(1), sheep.contents(0));
    assertEquals(sheep.contents(1), sheep.contents(2));
  }
}
