package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A sheep, dog and mounts, each a process of its own, over the network. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class SheepIT {

  private static final Path BIN = MountedStore.ROOT.resolve("bin");

  @TempDir private Path folder;

  private final Deque<AutoCloseable> cleanup = new ArrayDeque<>();
  private int port;

  @SuppressWarnings("NullAway.Init")
  private Process sheep;

  @BeforeEach
  void startAndFormat() throws Exception {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    sheep = startSheep();
    dog("cluster", "format", "-c", "1");
  }

  @AfterEach
  void stop() throws Exception {
    while (!cleanup.isEmpty()) {
      cleanup.pop().close();
    }
  }

  private Process startSheep() throws Exception {
    Process process =
        new ProcessBuilder(
                BIN.resolve("sheep").toString(),
                "-f",
                "-p",
                Integer.toString(port),
                folder.resolve("store").toString())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("sheep.log").toFile()))
            .start();
    cleanup.push(() -> process.destroyForcibly().waitFor());
    Shell.eventually("the sheep answers", () -> answers(process));
    return process;
  }

  private boolean answers(Process process) {
    try {
      assertTrue(process.isAlive(), () -> "the sheep ended");
      return Shell.run(command("node", "list")).exitCode() == 0;
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private String[] command(String... arguments) {
    return Stream.concat(
            Stream.of(BIN.resolve("dog").toString()),
            Stream.concat(
                Stream.of(arguments), Stream.of("-a", "127.0.0.1", "-p", Integer.toString(port))))
        .toArray(String[]::new);
  }

  private String dog(String... arguments) throws Exception {
    return Shell.check(command(arguments));
  }

  private Path mount(String name) throws Exception {
    Path mountpoint = Files.createDirectory(folder.resolve(name));
    Path log = folder.resolve(name + ".log");
    Process process =
        new ProcessBuilder(
                BIN.resolve("sheepfs").toString(),
                "-f",
                "-p",
                Integer.toString(port),
                "--cache-dir",
                folder.resolve("cache").toString(),
                mountpoint.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    cleanup.push(
        () -> {
          process.destroyForcibly().waitFor();
          Shell.run("umount", "-l", mountpoint.toString());
        });
    Shell.eventually("mounted", () -> !process.isAlive() || read(log).contains(" mounted at "));
    assertTrue(process.isAlive(), () -> read(log));
    return mountpoint.resolve("volume");
  }

  private static boolean succeeds(String... command) {
    try {
      return Shell.run(command).exitCode() == 0;
    } catch (IOException | InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static byte[] randomBytes(int size, long seed) {
    byte[] bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void mountsAndDog_seeTheSameBytes_andOneWriterAtATime() throws Exception {
    byte[] content = randomBytes(9_000_000, 1);
    Path here = mount("here");
    Path there = mount("there");
    Files.write(here.resolve("disk"), content);
    assertArrayEquals(content, Files.readAllBytes(there.resolve("disk")));
    Path copy = folder.resolve("copy");
    Shell.sh("f=$1; shift; \"$@\" >\"$f\"", concat(copy, command("vdi", "read", "disk")));
    assertArrayEquals(content, Files.readAllBytes(copy));
    assertTrue(dog("vdi", "list", "-r").contains(" disk "));
    String second = there.resolve("disk").toString();
    try (FileChannel writer = FileChannel.open(here.resolve("disk"), StandardOpenOption.WRITE)) {
      writer.write(ByteBuffer.wrap(new byte[5]), 0);
      Shell.Result refused = Shell.run("/bin/sh", "-c", "echo x >>" + second);
      assertTrue(refused.output().contains("busy"), refused.output());
      Shell.Result removal = Shell.run("rm", "-f", second);
      assertTrue(removal.output().contains("busy"), removal.output());
    }
    // the kernel tells of the last close after close(2) has returned
    Shell.eventually("the lock is free", () -> succeeds("/bin/sh", "-c", "echo x >>" + second));
    assertEquals(content.length + 2, Files.size(there.resolve("disk")));
    Shell.eventually("nobody has it open", () -> succeeds("rm", second));
    try (Stream<Path> objects = Files.list(folder.resolve("store/obj"))) {
      assertEquals(
          0, objects.filter(file -> String.valueOf(file.getFileName()).startsWith("00")).count());
    }
  }

  @Test
  void sheep_terminatedOrKilledAndStartedAgain_hasTheData_andTheMountGoesOn() throws Exception {
    byte[] content = randomBytes(5_000_000, 2);
    Path volumes = mount("mnt");
    Files.write(volumes.resolve("disk"), content);
    Shell.check("kill", "-TERM", Long.toString(sheep.pid()));
    assertTrue(sheep.waitFor(60, TimeUnit.SECONDS), "it does not end");
    assertEquals(0, sheep.exitValue(), () -> read(folder.resolve("sheep.log")));
    sheep = startSheep();
    assertTrue(!read(folder.resolve("sheep.log")).contains("not closed cleanly"));
    assertArrayEquals(content, Files.readAllBytes(volumes.resolve("disk")));
    sheep.destroyForcibly().waitFor();
    sheep = startSheep();
    Shell.check(
        "dd",
        "if=/dev/zero",
        "of=" + volumes.resolve("disk"),
        "bs=64k",
        "count=8",
        "seek=4",
        "conv=notrunc,fsync");
    Arrays.fill(content, 4 * 65536, 12 * 65536, (byte) 0);
    assertArrayEquals(content, Files.readAllBytes(volumes.resolve("disk")));
  }

  private static String[] concat(Path first, String[] rest) {
    return Stream.concat(Stream.of(first.toString()), Stream.of(rest)).toArray(String[]::new);
  }
}
