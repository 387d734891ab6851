package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.sheepfs.protocol.MemoryCluster;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.protocol.VdiName;
import io.sheepfs.protocol.VdiSpec;
import io.sheepfs.volume.Access;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A disk from which something was discarded, or that has another size, has no objects of its own,
 * and is still not as its last snapshot.
 */
final class SnapshotAfterDiscardTest {

  private static final VdiName NAME = new VdiName("disk");
  private static final int MIB = 1 << 20;

  private final MemoryCluster cluster = new MemoryCluster(20);
  private final DogRunner dog = new DogRunner(cluster);

  private void ok(byte[] input, String... args) {
    assertEquals(0, dog.run(input, args), dog::err);
  }

  private void ok(String... args) {
    ok(new byte[0], args);
  }

  @BeforeEach
  void makeDisk() {
    ok("vdi", "create", "disk", "2M");
    ok("data".getBytes(StandardCharsets.US_ASCII), "vdi", "write", "disk");
    ok("vdi", "snapshot", "-s", "one", "disk");
  }

  private void discard() throws IOException {
    try (Volume volume = Volume.open(cluster.newSession(), NAME, Access.READ_WRITE)) {
      volume.discard(0, MIB);
    }
  }

  private long snapshots() {
    ok("vdi", "list", "-r");
    return dog.out().lines().filter(line -> line.startsWith("s ")).count();
  }

  @Test
  void snapshotOnlyIfChanged_discarded_isTaken() throws IOException {
    ok("vdi", "snapshot", "-R", "-s", "two", "disk");
    assertEquals(1, snapshots());
    discard();
    ok("vdi", "snapshot", "-R", "-s", "two", "disk");
    assertEquals(2, snapshots());
  }

  @Test
  void snapshotOnlyIfChanged_resized_isTaken() {
    ok("vdi", "resize", "disk", "3M");
    ok("vdi", "snapshot", "-R", "-s", "two", "disk");
    assertEquals(2, snapshots());
  }

  /** What makes the second snapshot of the first one. */
  private byte[] backup() {
    ok("more".getBytes(StandardCharsets.US_ASCII), "vdi", "write", "disk", "4");
    ok("vdi", "snapshot", "-s", "two", "disk");
    ok("vdi", "backup", "-F", "one", "-s", "two", "disk");
    return dog.outBytes();
  }

  @Test
  void restore_discardedBefore_leavesTheDiskAsItWas() throws IOException {
    byte[] backup = backup();
    discard();
    ok(backup, "vdi", "restore", "-s", "one", "disk");
    ok("vdi", "read", "disk");
    assertArrayEquals(new byte[2 * MIB], dog.outBytes());
  }

  @Test
  void restore_nameTakenMeanwhile_leavesWhatIsThere() throws IOException {
    byte[] backup = backup();
    boolean[] taken = new boolean[1];
    dog.watch(
        call -> {
          if (call.operation() == MemoryCluster.Operation.CLONE && !taken[0]) {
            taken[0] = true;
            take();
          }
        });
    assertEquals(1, dog.run(backup, "vdi", "restore", "-s", "one", "disk"));
    assertTrue(dog.err().contains("rollback"), dog::err);
    ok("vdi", "read", "disk");
    assertEquals(5 * MIB, dog.outBytes().length);
  }

  private void take() {
    try {
      assertEquals(
          5 * MIB, cluster.newSession().vdis().create(NAME, VdiSpec.ofSize(5 * MIB)).sizeBytes());
    } catch (SheepException e) {
      throw new AssertionError(e);
    }
  }
}
