package io.sheepfs.dog;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sheepfs.protocol.MemoryCluster;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Disk images come in and go out with the same content, and with their holes. */
@Timeout(value = 2, unit = TimeUnit.MINUTES)
final class DiskImageTest {

  private static final long SEED = 20_261_121;
  private static final int MIB = 1 << 20;
  private static final long SIZE_BYTES = 64L * MIB + 512;

  private final DogRunner dog = new DogRunner(new MemoryCluster(20));

  @TempDir private Path folder;

  private void ok(String... args) {
    assertEquals(0, dog.run(args), () -> String.join(" ", args) + ": " + dog.err());
  }

  /** A raw image with 8 KiB of data in front, as much in its middle, and 512 bytes at its end. */
  private Path image() throws IOException {
    Path image = folder.resolve("image.raw");
    byte[] data = new byte[8192];
    new Random(SEED).nextBytes(data);
    try (FileChannel out =
        FileChannel.open(image, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      out.write(ByteBuffer.wrap(data), 0);
      out.write(ByteBuffer.wrap(data), 33L * MIB);
      out.write(ByteBuffer.wrap(data, 0, 512), SIZE_BYTES - 512);
    }
    return image;
  }

  /** What a file takes of its disk. */
  private static long allocatedBytes(Path file) throws IOException, InterruptedException {
    Process stat =
        new ProcessBuilder("stat", "-c", "%b", file.toString()).redirectErrorStream(true).start();
    String said = new String(stat.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
    assertEquals(0, stat.waitFor(), said);
    return Long.parseLong(said.strip()) * 512;
  }

  private static boolean isThere(String program) {
    return List.of(System.getenv().getOrDefault("PATH", "").split(":", -1)).stream()
        .anyMatch(place -> Files.isExecutable(Path.of(place, program)));
  }

  @Test
  void raw_inAndOut_sameBytesAndHoles() throws Exception {
    Path image = image();
    Path copy = folder.resolve("copy.raw");
    ok("vdi", "import", image.toString(), "disk");
    ok("vdi", "list", "-r", "disk");
    assertTrue(dog.out().startsWith("= disk 0 " + SIZE_BYTES + " " + 3 * MIB + " 0 "), dog::out);
    ok("vdi", "export", "disk", copy.toString());
    assertEquals(-1, Files.mismatch(image, copy));
    assertTrue(allocatedBytes(copy) < MIB, () -> "no holes in " + copy);
  }

  @Test
  void export_ontoWhatIsNoFile_isRefusedAlthoughForced() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
    ok("vdi", "create", "disk", "1M");
    assertEquals(3, dog.run("vdi", "export", "disk", pipe.toString()));
    assertEquals(1, dog.run("vdi", "export", "-f", "disk", pipe.toString()));
    assertTrue(dog.err().contains("no regular file"), dog::err);
    assertTrue(Files.exists(pipe) && !Files.isRegularFile(pipe));
    assertEquals(1, dog.run("vdi", "export", "-f", "disk", folder.toString()));
  }

  @Test
  void export_forced_replacesTheFileAndLeavesNothingElse() throws Exception {
    Path file = Files.writeString(folder.resolve("file"), "old");
    ok("vdi", "create", "disk", "1M");
    ok("vdi", "export", "-f", "disk", file.toString());
    assertEquals(MIB, Files.size(file));
    try (var all = Files.list(folder)) {
      assertEquals(List.of(file), all.toList());
    }
  }

  @Test
  void qcow2_outAndIn_sameBytesAndHoles() throws Exception {
    assumeTrue(isThere("qemu-img"), "there is no qemu-img");
    Path image = folder.resolve("image.qcow2");
    ok("vdi", "import", image().toString(), "disk");
    ok("vdi", "export", "-O", "qcow2", "disk", image.toString());
    assertTrue(Files.size(image) < 2 * MIB, () -> "no holes in " + image);
    ok("vdi", "import", image.toString(), "again");
    ok("vdi", "diff", "disk", "again");
    ok("vdi", "list", "-r", "again");
    assertTrue(dog.out().contains(" " + 3 * MIB + " 0 "), dog::out);
  }

  @Test
  void qcow2_broken_toldAndNothingMade() throws Exception {
    assumeTrue(isThere("qemu-img"), "there is no qemu-img");
    Path image = Files.write(folder.resolve("broken.qcow2"), new byte[] {'Q', 'F', 'I', -5, 1, 2});
    assertEquals(1, dog.run("vdi", "import", image.toString(), "disk"));
    assertTrue(!dog.err().isBlank());
    ok("vdi", "list", "-r");
    assertEquals("", dog.out());
  }
}
