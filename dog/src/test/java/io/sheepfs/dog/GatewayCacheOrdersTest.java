package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code dog vdi cache} on a sheep of ours that has an object cache. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class GatewayCacheOrdersTest {

  @TempDir private Path folder;

  @Test
  void cache_ofASheep_obeys() throws Exception {
    try (DogOnSheep dog = new DogOnSheep(folder.resolve("store"), 64 << 20)) {
      ok(dog, "vdi", "create", "disk", "8M");
      assertEquals(0, dog.run(new byte[] {1, 2, 3}, "vdi", "write", "disk"), dog::err);
      ok(dog, "vdi", "cache", "quota", "disk");
      assertTrue(dog.out().startsWith("no limit, used "), dog::out);
      ok(dog, "vdi", "cache", "quota", "-r", "disk", "16M");
      assertTrue(dog.out().startsWith("16777216 "), dog::out);
      warm(dog);
      ok(dog, "vdi", "cache", "info", "-r");
      assertTrue(dog.out().startsWith("disk\t\t4194304\t0\t4194304\n"), dog::out);
      ok(dog, "vdi", "cache", "fsck", "disk");
      assertTrue(
          dog.out().endsWith(" checked, 0 damaged blocks dropped to be fetched again, 0 lost\n"),
          dog::out);
      ok(dog, "vdi", "cache", "flush", "disk");
      ok(dog, "vdi", "list");
      ok(dog, "vdi", "cache", "purge", "-f", "disk");
      ok(dog, "vdi", "cache", "quota", "disk", "none");
      assertEquals("no limit, used 0.0 MB\n", dog.out());
      ok(dog, "vdi", "check", "disk");
    }
  }

  /** In these tests no time passes for a command, so that it does not wait for the end. */
  private static void warm(DogOnSheep dog) {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    do {
      ok(dog, "vdi", "cache", "warm", "disk");
      assertTrue(System.nanoTime() < deadline, dog::out);
    } while (dog.out().startsWith("running"));
    assertEquals("done, 4.0 MB of 4.0 MB\n", dog.out());
  }

  private static void ok(DogOnSheep dog, String... args) {
    assertEquals(0, dog.run(args), () -> String.join(" ", args) + ": " + dog.err());
  }
}
