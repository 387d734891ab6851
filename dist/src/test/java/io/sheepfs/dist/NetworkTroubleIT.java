package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A mount with a cache, on a network that stalls, breaks and is slow. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class NetworkTroubleIT {

  private static final int SIZE = 9 << 20;

  @TempDir private Path folder;

  private ServedFolder sheep;
  private TroubledLink link;
  private MountedStore mounted;
  private Path disk;

  @BeforeEach
  void start() throws Exception {
    sheep = new ServedFolder(folder);
    link = new TroubledLink(sheep.port());
    mounted = mount("3");
    disk = mounted.volume("disk");
    Files.write(disk, content());
  }

  private MountedStore mount(String timeoutSeconds, String... options) throws Exception {
    return MountedStore.start(
        folder,
        "direct",
        List.of(
            "-p",
            Integer.toString(link.port()),
            "--cache-free-space",
            "0",
            "--timeout",
            timeoutSeconds,
            "--pagecache",
            "off",
            "--cache-dir",
            folder.resolve("cache").toString()),
        options);
  }

  @AfterEach
  void stop() throws Exception {
    link.pass();
    mounted.close();
    link.close();
    sheep.close();
  }

  private static byte[] content() {
    byte[] content = new byte[SIZE];
    new Random(1).nextBytes(content);
    return content;
  }

  private static byte[] readAll(FileChannel channel) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(SIZE);
    while (bytes.hasRemaining() && channel.read(bytes, bytes.position()) > 0) {}
    return bytes.array();
  }

  @Test
  void stall_readsAndWritesGoOn_fsyncFailsUntilTheClusterIsBack() throws Exception {
    byte[] expected = content();
    try (FileChannel channel =
        FileChannel.open(disk, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      link.stall();
      byte[] news = new byte[100_000];
      Arrays.fill(news, (byte) 7);
      assertEquals(news.length, channel.write(ByteBuffer.wrap(news), 5_000_000));
      System.arraycopy(news, 0, expected, 5_000_000, news.length);
      assertArrayEquals(expected, readAll(channel));
      assertThrows(IOException.class, () -> channel.force(false));
      assertThrows(IOException.class, () -> channel.force(false));
      assertArrayEquals(expected, readAll(channel));
      link.pass();
      Shell.eventually("fsync succeeds again", () -> succeeds(channel));
      assertArrayEquals(expected, sheep.read("disk"));
    }
    Files.write(mounted.volume("other"), expected);
    assertArrayEquals(expected, sheep.read("other"));
  }

  private static boolean succeeds(FileChannel channel) {
    try {
      channel.force(false);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void resets_underLoad_nobodyNotices() throws Exception {
    mounted.unmount();
    mounted = mount("60");
    byte[] expected = content();
    Random random = new Random(2);
    try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
      for (int i = 0; i < 300; i++) {
        byte[] news = new byte[1 + random.nextInt(20_000)];
        random.nextBytes(news);
        int offset = random.nextInt(SIZE - news.length);
        channel.write(ByteBuffer.wrap(news), offset);
        System.arraycopy(news, 0, expected, offset, news.length);
        if (i % 20 == 10) {
          link.reset();
        }
        if (i % 20 == 15) {
          channel.force(false);
        }
      }
      channel.force(false);
      assertArrayEquals(expected, sheep.read("disk"));
    }
    assertArrayEquals(expected, Files.readAllBytes(disk));
  }

  @Test
  void delay_allIsSlowAndRight() throws Exception {
    mounted.unmount();
    mounted = mount("60");
    byte[] expected = Arrays.copyOf(content(), 1 << 20);
    link.delay(10);
    Files.write(mounted.volume("copy"), expected);
    assertArrayEquals(expected, Files.readAllBytes(mounted.volume("copy")));
    mounted.unmount();
    link.pass();
    assertArrayEquals(expected, sheep.read("copy"));
  }

  @Test
  void stall_thenKilledAndMountedAgain_isWrittenOutByTheNextMount() throws Exception {
    byte[] expected = content();
    try (FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE)) {
      link.stall();
      channel.write(ByteBuffer.wrap(new byte[200_000]), 1_000_001);
      Arrays.fill(expected, 1_000_001, 1_200_001, (byte) 0);
      mounted.kill();
    } catch (IOException closeOfACutOffFile) {
      // its mount is gone
    }
    link.reset();
    link.pass();
    mounted = mount("60");
    assertTrue(mounted.log().contains("that an earlier mount left"), mounted.log());
    assertArrayEquals(expected, sheep.read("disk"));
    assertArrayEquals(expected, Files.readAllBytes(disk));
  }

  @Test
  void noFlush_leftToTheNextMount() throws Exception {
    mounted.unmount();
    mounted = mount("60", "--no-flush");
    byte[] expected = content();
    FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE);
    try {
      link.stall();
      channel.write(ByteBuffer.wrap(new byte[8192]), 4096);
      Arrays.fill(expected, 4096, 12288, (byte) 0);
      link.pass();
      mounted.terminate();
    } finally {
      assertThrows(IOException.class, channel::close);
    }
    mounted = mount("60");
    assertArrayEquals(expected, sheep.read("disk"));
  }
}
