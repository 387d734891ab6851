package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A mount whose cache is on a disk that is much too small for it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SmallCacheDiskIT {

  private static final int SIZE = 20 << 20;

  @TempDir private Path folder;

  private ServedFolder sheep;
  private MountedStore mounted;
  private Path cache;

  @BeforeEach
  void start() throws Exception {
    cache = Files.createDirectory(folder.resolve("small"));
    Shell.Result tmpfs =
        Shell.run("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", cache.toString());
    assumeTrue(tmpfs.exitCode() == 0, tmpfs.output());
    sheep = new ServedFolder(folder);
    mounted = mount();
  }

  private MountedStore mount() throws Exception {
    return MountedStore.start(
        folder,
        "direct",
        List.of(
            "-p",
            Integer.toString(sheep.port()),
            "--cache-size",
            "1G",
            "--cache-free-space",
            "0",
            "--pagecache",
            "off",
            "--cache-dir",
            cache.resolve("cache").toString()));
  }

  @AfterEach
  void stop() throws Exception {
    try {
      if (mounted != null) {
        mounted.close();
      }
      if (sheep != null) {
        sheep.close();
      }
    } finally {
      Shell.run("umount", "-l", cache.toString());
    }
  }

  @Test
  void cacheDisk_fillsUp_nobodyNotices() throws Exception {
    byte[] expected = new byte[SIZE];
    Random random = new Random(3);
    random.nextBytes(expected);
    Path disk = mounted.volume("disk");
    Files.write(disk, expected);
    try (FileChannel channel =
        FileChannel.open(disk, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      for (int i = 0; i < 600; i++) {
        byte[] news = new byte[1 + random.nextInt(30_000)];
        random.nextBytes(news);
        int offset = random.nextInt(SIZE - news.length);
        if (i % 4 == 0) {
          assertRead(channel, expected, offset, news.length);
        } else {
          channel.write(ByteBuffer.wrap(news), offset);
          System.arraycopy(news, 0, expected, offset, news.length);
        }
        if (i % 100 == 99) {
          channel.force(false);
        }
      }
    }
    assertArrayEquals(expected, Files.readAllBytes(disk));
    mounted.kill();
    mounted = mount();
    assertArrayEquals(expected, Files.readAllBytes(disk));
    mounted.unmount();
    assertArrayEquals(expected, sheep.read("disk"));
    mounted = mount();
    assertArrayEquals(expected, Files.readAllBytes(disk));
  }

  private static void assertRead(FileChannel channel, byte[] expected, int offset, int length)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(length);
    while (bytes.hasRemaining() && channel.read(bytes, offset + bytes.position()) > 0) {}
    assertEquals(ByteBuffer.wrap(expected, offset, length), bytes.flip());
  }
}
