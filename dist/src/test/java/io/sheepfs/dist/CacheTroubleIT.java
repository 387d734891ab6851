package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/**
 * {@code fio --verify} on a mount whose cache disk or network is in trouble meanwhile: no I/O
 * error, no wrong byte, and all is well again afterwards. Run by hand, with {@code
 * -Dsheepfs.trouble.seconds=N}: how long a stall of the network is. {@code -Dsheepfs.seed=N}
 * repeats the choices.
 */
@EnabledIfSystemProperty(named = "sheepfs.trouble.seconds", matches = "[0-9]+")
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class CacheTroubleIT {

  private static final int SECONDS = Integer.getInteger("sheepfs.trouble.seconds", 10);
  private static final int OBJECT_BYTES = 4 << 20;
  private static final byte[] CONTENT = "content".getBytes(StandardCharsets.UTF_8);
  private static final String FAILED = "the cache's disk failed";
  private static final String WORKS = "the cache's disk works again";

  @TempDir private Path folder;

  private final Deque<AutoCloseable> cleanup = new ArrayDeque<>();
  private ServedFolder sheep;
  private TroubledLink link;
  private MountedStore mounted;
  private Path cacheDisk;

  @BeforeEach
  void start() throws Exception {
    assumeTrue(Files.isExecutable(Path.of("/usr/bin/fio")), "needs fio");
    cacheDisk = Files.createDirectory(folder.resolve("disk"));
    Shell.Result tmpfs =
        Shell.run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", cacheDisk.toString());
    assumeTrue(tmpfs.exitCode() == 0, tmpfs.output());
    cleanup.push(() -> Shell.run("umount", "-l", cacheDisk.toString()));
    sheep = new ServedFolder(folder);
    cleanup.push(sheep);
    link = new TroubledLink(sheep.port());
    cleanup.push(link);
    mounted =
        MountedStore.start(
            folder,
            "direct",
            List.of(
                "-p",
                Integer.toString(link.port()),
                "--cache-free-space",
                "0",
                "--cache-dirty-age",
                "1",
                "--pagecache",
                "off",
                "--cache-dir",
                cacheDisk.resolve("cache").toString()));
    cleanup.push(mounted);
    cleanup.push(link::pass);
  }

  @AfterEach
  void stop() throws Exception {
    while (!cleanup.isEmpty()) {
      cleanup.pop().close();
    }
  }

  /** Writes and verifies a disk over and over until it is told to end. */
  private Process fio(int sizeMiB, String... options) throws IOException, InterruptedException {
    Path disk = mounted.volume("verified");
    Shell.check("truncate", "-s", sizeMiB + "M", disk.toString());
    ProcessBuilder builder =
        new ProcessBuilder(
            "fio",
            "--name=verify",
            "--filename=" + disk,
            "--size=" + sizeMiB + "M",
            "--rw=randwrite",
            "--bsrange=4k-64k",
            "--verify=crc32c",
            "--verify_fatal=1",
            "--do_verify=1",
            "--fsync=64",
            "--allow_file_create=0",
            "--fallocate=none");
    builder.command().addAll(List.of(options));
    Process fio =
        builder
            .directory(folder.toFile()) // where it leaves its state
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("fio.txt").toFile())
            .start();
    cleanup.push(() -> fio.destroyForcibly().waitFor());
    return fio;
  }

  /** Waits for its end, which must be a good one, and compares what the cluster has. */
  private void finish(Process fio) throws Exception {
    assertTrue(fio.waitFor(5, TimeUnit.MINUTES), "fio hangs");
    assertEquals(0, fio.exitValue(), () -> output() + log());
    byte[] seen = Files.readAllBytes(mounted.volume("verified"));
    mounted.unmount();
    assertTrue(Arrays.equals(seen, sheep.read("verified")), "the cluster has other bytes");
  }

  private String output() {
    try {
      return Files.readString(folder.resolve("fio.txt"));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private String log() {
    try {
      return mounted.log();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void cacheDiskOf64M_fillsUp_verified() throws Exception {
    finish(fio(96));
  }

  @Test
  void cacheFolder_madeReadOnlyUnderLoad_verified_andComesBack() throws Exception {
    Path other = mounted.volume("other");
    Shell.check("truncate", "-s", "8M", other.toString());
    Process fio = fio(32, "--time_based", "--runtime=" + 2 * SECONDS);
    Path cache = cacheDisk.resolve("cache");
    try (FileChannel channel = FileChannel.open(other, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(CONTENT));
      Shell.check("mount", "--bind", cache.toString(), cache.toString());
      cleanup.push(() -> Shell.run("umount", "-l", cache.toString()));
      Shell.check("mount", "-o", "remount,bind,ro", cache.toString());
      channel.write(ByteBuffer.wrap(CONTENT), OBJECT_BYTES); // which needs a new file
      Shell.eventually("the cache's disk fails", () -> log().contains(FAILED));
      channel.force(false);
      Shell.check("umount", "-l", cache.toString());
      cleanup.pop();
      Shell.eventually("the cache's disk works again", () -> log().contains(WORKS));
    }
    finish(fio);
    byte[] stored = sheep.read("other");
    assertArrayEquals(CONTENT, Arrays.copyOf(stored, CONTENT.length));
    assertArrayEquals(
        CONTENT, Arrays.copyOfRange(stored, OBJECT_BYTES, OBJECT_BYTES + CONTENT.length));
  }

  @Test
  void network_stallsBreaksAndIsSlow_verified() throws Exception {
    long seed = Long.getLong("sheepfs.seed", System.nanoTime());
    System.out.println("network in trouble: -Dsheepfs.seed=" + seed);
    Random random = new Random(seed);
    Process fio = fio(32, "--time_based", "--runtime=" + 3 * SECONDS);
    for (int i = 0; i < 10; i++) {
      link.delay(random.nextInt(20));
      TimeUnit.MILLISECONDS.sleep(random.nextInt(200 * SECONDS));
      link.reset();
    }
    link.stall();
    TimeUnit.SECONDS.sleep(SECONDS);
    link.pass();
    finish(fio);
  }
}
