package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * A file that qemu-io writes patterns to, at random, and a model of it. Each run is a qemu-io of
 * its own; what it reads has to be what this one and those before it wrote.
 */
final class QemuPatterns {

  private static final int BLOCK_BYTES = 4096;
  private static final int RUN_BLOCKS = 300;

  private final Path file;
  private final Random random;

  /** What is in each block, as a byte that is repeated. */
  private final byte[] patterns;

  private final List<String> commands = new ArrayList<>();
  private int reads;

  QemuPatterns(Path file, int blocks, long seed) {
    this.file = file;
    this.random = new Random(seed);
    this.patterns = new byte[blocks];
  }

  long bytes() {
    return (long) patterns.length * BLOCK_BYTES;
  }

  /** So many commands at random, then all is read. */
  void run(int count, String... mode) throws IOException, InterruptedException {
    for (int i = 0; i < count; i++) {
      change();
      readSomewhere();
    }
    commands.add("aio_flush");
    commands.add("flush");
    readAll(mode);
  }

  /** Reads all, after what was planned before. */
  void readAll(String... mode) throws IOException, InterruptedException {
    read(0, patterns.length);
    Path script = Files.createTempFile("qemu-io", ".commands");
    try {
      Files.write(script, commands);
      List<String> command = new ArrayList<>(List.of("qemu-io", "-f", "raw", "-d", "unmap"));
      command.addAll(List.of(mode));
      command.add(file.toString());
      Shell.Result result = Shell.run(new ProcessBuilder(command).redirectInput(script.toFile()));
      assertEquals(0, result.exitCode(), result::output);
      assertFalse(result.output().contains("failed"), result::output);
      assertEquals(reads, result.output().lines().filter(this::tellsOfRead).count());
    } finally {
      Files.delete(script);
    }
    commands.clear();
    reads = 0;
  }

  private boolean tellsOfRead(String line) {
    return line.contains("read ") && line.contains(" bytes at offset ");
  }

  private void change() {
    int from = random.nextInt(patterns.length);
    int to = Math.min(patterns.length, from + 1 + random.nextInt(RUN_BLOCKS));
    byte pattern = 0;
    switch (random.nextInt(8)) {
      case 0 -> add("discard", from, to);
      case 1 -> add("write -z", from, to);
      case 2 -> add("write -z -u", from, to);
      case 3 -> {
        pattern = pattern();
        add("aio_write -P " + pattern, from, to);
        commands.add("aio_flush");
      }
      case 4 -> {
        pattern = pattern();
        add("write -f -P " + pattern, from, to);
      }
      default -> {
        pattern = pattern();
        add("write -P " + pattern, from, to);
      }
    }
    Arrays.fill(patterns, from, to, pattern);
  }

  private byte pattern() {
    return (byte) (1 + random.nextInt(Byte.MAX_VALUE));
  }

  private void readSomewhere() {
    int from = random.nextInt(patterns.length);
    read(from, Math.min(patterns.length, from + 16));
  }

  /** One read for each pattern. */
  private void read(int from, int to) {
    int start = from;
    for (int block = from + 1; block <= to; block++) {
      if (block == to || patterns[block] != patterns[start]) {
        add("read -P " + patterns[start], start, block);
        reads++;
        start = block;
      }
    }
  }

  private void add(String command, int from, int to) {
    commands.add(command + " " + (long) from * BLOCK_BYTES + " " + (to - from) * BLOCK_BYTES);
  }
}
