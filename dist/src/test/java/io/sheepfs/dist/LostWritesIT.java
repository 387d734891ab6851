package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The machine of a sheep goes down under a mount, and with it all that was not flushed: the sheep
 * is killed, its store is put back to the last flush, and it says that it ran in another boot.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LostWritesIT {

  private static final int SIZE = 9 << 20;
  private static final int OVERWRITTEN_AT = 5 << 20; // on a block: a part of one is written durably
  private static final int OVERWRITTEN = 1 << 20;
  private static final int GROWN_TO = 17 << 20;

  @TempDir private Path folder;

  private final byte[] expected = new byte[GROWN_TO];
  private int port;

  @SuppressWarnings("NullAway.Init")
  private Daemon sheep;

  private @Nullable Process next;

  @BeforeEach
  void start() throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    sheep = startSheep();
    Shell.check(dog("cluster", "format", "-c", "1"));
    new Random(1).nextBytes(expected);
  }

  @AfterEach
  void stop() throws Exception {
    sheep.close();
    if (next != null) {
      next.destroyForcibly().waitFor();
    }
  }

  private Daemon startSheep() throws Exception {
    return Daemon.start(
        folder,
        "serving",
        "sheep",
        "-f",
        "-p",
        Integer.toString(port),
        folder.resolve("store").toString());
  }

  private String[] dog(String... arguments) {
    List<String> command =
        new ArrayList<>(List.of(MountedStore.ROOT.resolve("bin/dog").toString()));
    command.addAll(List.of(arguments));
    command.addAll(List.of("-a", "127.0.0.1", "-p", Integer.toString(port)));
    return command.toArray(new String[0]);
  }

  private MountedStore mount(String... options) throws Exception {
    return MountedStore.start(
        folder, "direct", List.of("-p", Integer.toString(port), "--pagecache", "off"), options);
  }

  /**
   * A sheep on a copy of the store, which starts when it is told to: while the channel is open,
   * this process cannot start any, since each child closes, and so flushes, it once more.
   */
  private Process prepareNextSheep(Path saved, Path log) throws Exception {
    Shell.check("cp", "-a", folder.resolve("store").toString(), saved.toString());
    Files.writeString(saved.resolve("running"), "another boot\n");
    return new ProcessBuilder(
            "/bin/sh",
            "-c",
            "read go && exec \"$0\" \"$@\"",
            MountedStore.ROOT.resolve("bin/sheep").toString(),
            "-f",
            "-p",
            Integer.toString(port),
            saved.toString())
        .redirectErrorStream(true)
        .redirectOutput(log.toFile())
        .start();
  }

  /** Writes and flushes; then writes more, and loses that. */
  private FileChannel writeAndLose(MountedStore mounted) throws Exception {
    Path disk = mounted.volume("disk");
    Files.write(disk, Arrays.copyOf(expected, SIZE));
    FileChannel channel = FileChannel.open(disk, StandardOpenOption.WRITE);
    // takes the lock, leaves the writer's mark, and makes room to grow, which are all durable
    write(channel, SIZE, SIZE + 4096);
    channel.force(false);
    Path log = folder.resolve("next.log");
    next = prepareNextSheep(folder.resolve("saved"), log);
    Arrays.fill(expected, OVERWRITTEN_AT, OVERWRITTEN_AT + OVERWRITTEN, (byte) 7);
    write(channel, OVERWRITTEN_AT, OVERWRITTEN_AT + OVERWRITTEN);
    write(channel, SIZE + 4096, GROWN_TO);
    sheep.kill();
    try (OutputStream go = next.getOutputStream()) {
      go.write('\n');
    }
    Shell.eventually("the next sheep is ready", () -> read(log).contains("serving"));
    return channel;
  }

  private static String read(Path log) {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private void write(FileChannel channel, int from, int to) throws IOException {
    channel.write(ByteBuffer.wrap(expected, from, to - from), from);
  }

  private byte[] stored() throws Exception {
    Path copy = folder.resolve("copy");
    Shell.sh(
        "\"$1\" vdi read disk -a 127.0.0.1 -p \"$2\" > \"$3\"",
        MountedStore.ROOT.resolve("bin/dog").toString(),
        Integer.toString(port),
        copy.toString());
    return Files.readAllBytes(copy);
  }

  @Test
  void withCache_fsyncWritesAgainWhatWasLost() throws Exception {
    String cache = folder.resolve("cache").toString();
    try (MountedStore mounted = mount("--cache-dir", cache, "--cache-free-space", "0")) {
      try (FileChannel channel = writeAndLose(mounted)) {
        channel.force(false);
      }
      assertArrayEquals(expected, stored());
      assertArrayEquals(expected, Files.readAllBytes(mounted.volume("disk")));
    }
  }

  @Test
  void withoutCache_fsyncFailsOnce() throws Exception {
    try (MountedStore mounted = mount("--cache-mode", "off")) {
      try (FileChannel channel = writeAndLose(mounted)) {
        assertThrows(IOException.class, () -> channel.force(false));
        channel.force(false);
        write(channel, OVERWRITTEN_AT, OVERWRITTEN_AT + OVERWRITTEN);
        channel.force(false);
      }
      assertArrayEquals(Arrays.copyOf(expected, SIZE), Arrays.copyOf(stored(), SIZE));
    }
  }
}
