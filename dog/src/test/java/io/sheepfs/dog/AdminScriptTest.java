package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an administrator's scripts do, for many disks: make them, take snapshots, back up in full
 * and then what changed, lose everything, bring it back. {@code -Dsheepfs.admin.vdis=100} for more.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
final class AdminScriptTest {

  private static final int VDIS = Integer.getInteger("sheepfs.admin.vdis", 8);
  private static final long SEED = 20_261_121;

  @TempDir private Path folder;

  @Test
  void disks_backedUpAndDeleted_comeBackTheSame() throws Exception {
    try (DogOnSheep dog = new DogOnSheep(folder.resolve("store"), true)) {
      List<String> digests = new ArrayList<>();
      List<byte[]> backups = new ArrayList<>();
      for (int i = 0; i < VDIS; i++) {
        makeAndBackUp(dog, i, digests, backups);
      }
      for (int i = 0; i < VDIS; i++) {
        ok(dog, "vdi", "delete", name(i));
        ok(dog, "vdi", "delete", "-s", "full", name(i));
        ok(dog, "vdi", "delete", "-s", "later", name(i));
      }
      ok(dog, "vdi", "list", "-r");
      assertEquals("", dog.out());
      for (int i = 0; i < VDIS; i++) {
        ok(dog, "vdi", "import", "-z", "20", image(i), name(i));
        ok(dog, "vdi", "snapshot", "-s", "full", name(i));
        assertEquals(0, dog.run(backups.get(i), "vdi", "restore", "-s", "full", name(i)), dog::err);
        ok(dog, "vdi", "read", "-s", "2", name(i));
        assertEquals(digests.get(i), digest(dog.outBytes()), name(i));
      }
      ok(dog, "cluster", "check");
    }
  }

  private void makeAndBackUp(DogOnSheep dog, int number, List<String> digests, List<byte[]> backups)
      throws IOException {
    Random random = new Random(SEED + number);
    String name = name(number);
    byte[] data = new byte[1 + random.nextInt(200_000)];
    random.nextBytes(data);
    ok(dog, "vdi", "create", "-z", "20", name, "3M");
    assertEquals(0, dog.run(data, "vdi", "write", name, "1000"), dog::err);
    ok(dog, "vdi", "snapshot", "-s", "full", name);
    ok(dog, "vdi", "export", "-s", "full", name, image(number));
    random.nextBytes(data);
    assertEquals(0, dog.run(data, "vdi", "write", name, "1M"), dog::err);
    ok(dog, "vdi", "snapshot", "-s", "later", name);
    ok(dog, "vdi", "read", "-s", "later", name);
    digests.add(digest(dog.outBytes()));
    ok(dog, "vdi", "backup", "-F", "full", "-s", "later", name);
    backups.add(dog.outBytes());
  }

  private static String name(int number) {
    return "machine-" + number;
  }

  private String image(int number) {
    return folder.resolve(number + ".raw").toString();
  }

  private static void ok(DogOnSheep dog, String... args) {
    assertEquals(0, dog.run(args), () -> String.join(" ", args) + ": " + dog.err());
  }

  private static String digest(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }
}
