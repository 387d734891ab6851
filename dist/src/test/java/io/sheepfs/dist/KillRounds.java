package io.sheepfs.dist;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.zip.CRC32C;

/**
 * Writes self-describing blocks until the mount is killed, and says afterwards whether anything is
 * lost, foreign or torn. Each block holds its number, a sequence number and a checksum; each writer
 * owns its blocks. A write that returned must survive the death of sheepfs, synced or not.
 */
final class KillRounds {

  private static final int BLOCK_BYTES = 4096;
  private static final int WRITERS = 4;
  private static final int MAGIC = 0x53484545;

  private final int blocks;
  private final Random random;

  /** The highest sequence number that a write returned for, and that one was begun for. */
  private final AtomicLongArray acknowledged;

  private final AtomicLongArray attempted;

  KillRounds(int blocks, long seed) {
    this.blocks = blocks;
    this.random = new Random(seed);
    this.acknowledged = new AtomicLongArray(blocks);
    this.attempted = new AtomicLongArray(blocks);
  }

  /** Writes from several threads while {@code killer} lets it live, then waits for them. */
  void writeUntilKilled(Path file, MountedStore mounted) throws InterruptedException {
    List<Thread> writers = new ArrayList<>();
    for (int i = 0; i < WRITERS; i++) {
      int writer = i;
      long seed = random.nextLong();
      Thread thread = new Thread(() -> write(file, writer, new Random(seed)), "writer-" + i);
      thread.setDaemon(true);
      thread.start();
      writers.add(thread);
    }
    TimeUnit.MILLISECONDS.sleep(50 + random.nextInt(700));
    mounted.kill();
    for (Thread writer : writers) {
      writer.join(TimeUnit.SECONDS.toMillis(60));
      assertTrue(!writer.isAlive(), "a writer hangs after the kill");
    }
  }

  private void write(Path file, int writer, Random choice) {
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      while (true) {
        int number = choice.nextInt(blocks / WRITERS) * WRITERS + writer;
        long sequence = attempted.incrementAndGet(number);
        fill(block, number, sequence);
        while (block.hasRemaining()) {
          channel.write(block, (long) number * BLOCK_BYTES + block.position());
        }
        acknowledged.set(number, sequence);
        if (choice.nextInt(8) == 0) {
          channel.force(false);
        }
      }
    } catch (IOException killed) {
      // the mount is gone: that is how each round ends
    }
  }

  private static void fill(ByteBuffer block, int number, long sequence) {
    block.clear().putInt(MAGIC).putInt(number).putLong(sequence).putInt(0);
    while (block.remaining() >= Long.BYTES) {
      block.putLong(sequence * 31 + number);
    }
    block.clear();
    block.putInt(16, checksum(block));
  }

  private static int checksum(ByteBuffer block) {
    CRC32C crc = new CRC32C();
    crc.update(block.duplicate().clear().limit(16));
    crc.update(block.duplicate().clear().position(20));
    return (int) crc.getValue();
  }

  /** Reads everything back; a block is as new as the last write that returned, or newer. */
  void verify(Path file) throws IOException {
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      for (int number = 0; number < blocks; number++) {
        block.clear();
        while (block.hasRemaining()) {
          if (channel.read(block, (long) number * BLOCK_BYTES + block.position()) < 0) {
            throw new AssertionError("the file ends before block " + number);
          }
        }
        verify(block.flip(), number);
      }
    }
  }

  private void verify(ByteBuffer block, int number) {
    long least = acknowledged.get(number);
    if (block.getInt(0) == 0 && block.getLong(8) == 0) {
      assertEquals(0, least, "block " + number + " is lost: it reads as zeros");
      return;
    }
    assertEquals(MAGIC, block.getInt(0), "block " + number + " is torn");
    assertEquals(number, block.getInt(4), "block " + number + " is another block");
    assertEquals(checksum(block), block.getInt(16), "block " + number + " is torn");
    long sequence = block.getLong(8);
    assertTrue(
        sequence >= least && sequence <= attempted.get(number),
        () -> "block " + number + " has write " + sequence + " of at least " + least);
    acknowledged.set(number, sequence);
    attempted.set(number, Math.max(attempted.get(number), sequence));
  }

  /** How many writes returned so far. */
  long writes() {
    long sum = 0;
    for (int i = 0; i < blocks; i++) {
      sum += acknowledged.get(i);
    }
    return sum;
  }
}
