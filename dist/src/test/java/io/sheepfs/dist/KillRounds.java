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
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Writes self-describing blocks until the mount is killed, and says afterwards whether anything is
 * lost, foreign or torn. Each block holds its disk, its number, a sequence number and a checksum;
 * each writer owns its blocks. A write that returned must survive the death of sheepfs, synced or
 * not.
 */
final class KillRounds {

  private static final int BLOCK_BYTES = 4096;
  private static final int MAX_RUN_BLOCKS = 16;
  private static final int WRITERS = 4;
  private static final long MAX_ROUND_BYTES = 16 << 20;
  private static final int MAGIC = 0x53484545;
  private static final int SUM_AT = 20;
  private static final int FILL_AT = 24;

  private final int disks;
  private final int blocks;
  private final Random random;

  /** The highest sequence number that a write returned for, and that one was begun for. */
  private final AtomicLongArray acknowledged;

  private final AtomicLongArray attempted;
  private final AtomicLong writtenBytes = new AtomicLong();
  private volatile @Nullable RuntimeException mistake;

  /**
   * Rounds on some disks.
   *
   * @param blocks of each disk, 4 KiB each
   */
  KillRounds(int disks, int blocks, long seed) {
    this.disks = disks;
    this.blocks = blocks;
    this.random = new Random(seed);
    this.acknowledged = new AtomicLongArray(disks * blocks);
    this.attempted = new AtomicLongArray(disks * blocks);
  }

  /**
   * Writes from several threads, kills the mount after a random number of bytes, and waits for
   * them.
   *
   * @param trouble what happens once the first write has returned
   */
  void writeUntilKilled(List<Path> files, MountedStore mounted, Runnable trouble)
      throws InterruptedException {
    List<Thread> writers = new ArrayList<>();
    long before = writtenBytes.get();
    for (int i = 0; i < WRITERS; i++) {
      int writer = i;
      long seed = random.nextLong();
      Thread thread = new Thread(() -> write(files, writer, new Random(seed)), "writer-" + i);
      thread.setDaemon(true);
      thread.start();
      writers.add(thread);
    }
    long more = (long) (MAX_ROUND_BYTES * Math.pow(random.nextDouble(), 3));
    Shell.eventually("a write returns", () -> writtenBytes.get() > before);
    trouble.run();
    awaitBytes(before + more);
    mounted.kill();
    for (Thread writer : writers) {
      writer.join(TimeUnit.SECONDS.toMillis(60));
      assertTrue(!writer.isAlive(), "a writer hangs after the kill");
    }
    RuntimeException failure = mistake;
    if (failure != null) {
      throw failure;
    }
  }

  /** Gives up after a while: with the network away no fsync returns. */
  private void awaitBytes(long bytes) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(2);
    while (writtenBytes.get() < bytes && System.nanoTime() < deadline) {
      TimeUnit.MILLISECONDS.sleep(1);
    }
  }

  private void write(List<Path> files, int writer, Random choice) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(MAX_RUN_BLOCKS * BLOCK_BYTES);
    int share = blocks / WRITERS;
    int disk = choice.nextInt(disks);
    try (FileChannel channel = FileChannel.open(files.get(disk), StandardOpenOption.WRITE)) {
      while (true) {
        int run = choice.nextInt(4) == 0 ? 1 + choice.nextInt(MAX_RUN_BLOCKS) : 1;
        int first = writer * share + choice.nextInt(share - run + 1);
        writeRun(channel, bytes, disk, first, run);
        writtenBytes.addAndGet((long) run * BLOCK_BYTES);
        if (choice.nextInt(8) == 0) {
          channel.force(false);
        }
      }
    } catch (IOException killed) {
      // the mount is gone: that is how each round ends
    } catch (RuntimeException e) {
      mistake = e;
    }
  }

  private void writeRun(FileChannel channel, ByteBuffer bytes, int disk, int first, int run)
      throws IOException {
    long[] sequences = new long[run];
    bytes.clear();
    for (int i = 0; i < run; i++) {
      sequences[i] = attempted.incrementAndGet(disk * blocks + first + i);
      fill(bytes.slice(i * BLOCK_BYTES, BLOCK_BYTES), disk, first + i, sequences[i]);
    }
    bytes.limit(run * BLOCK_BYTES);
    while (bytes.hasRemaining()) {
      channel.write(bytes, (long) first * BLOCK_BYTES + bytes.position());
    }
    for (int i = 0; i < run; i++) {
      acknowledged.set(disk * blocks + first + i, sequences[i]);
    }
  }

  private static void fill(ByteBuffer block, int disk, int number, long sequence) {
    block.putInt(MAGIC).putInt(disk).putInt(number).putLong(sequence).putInt(0);
    while (block.hasRemaining()) {
      block.putLong(sequence * 31 + number);
    }
    block.putInt(SUM_AT, checksum(block));
  }

  private static int checksum(ByteBuffer block) {
    CRC32C crc = new CRC32C();
    crc.update(block.slice(0, SUM_AT));
    crc.update(block.slice(FILL_AT, BLOCK_BYTES - FILL_AT));
    return (int) crc.getValue();
  }

  /** Reads everything back; a block is as new as the last write that returned, or newer. */
  void verify(List<Path> files) throws IOException {
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    for (int disk = 0; disk < disks; disk++) {
      try (FileChannel channel = FileChannel.open(files.get(disk), StandardOpenOption.READ)) {
        for (int number = 0; number < blocks; number++) {
          block.clear();
          while (block.hasRemaining()) {
            if (channel.read(block, (long) number * BLOCK_BYTES + block.position()) < 0) {
              throw new AssertionError("the file ends before block " + number);
            }
          }
          verify(block.flip(), disk, number);
        }
      }
    }
  }

  /** As {@link #verify(List)}, of one disk that somebody else has read. */
  void verify(int disk, byte[] content) {
    for (int number = 0; number < blocks; number++) {
      verify(ByteBuffer.wrap(content, number * BLOCK_BYTES, BLOCK_BYTES).slice(), disk, number);
    }
  }

  private void verify(ByteBuffer block, int disk, int number) {
    int at = disk * blocks + number;
    String what = "block " + number + " of disk " + disk;
    long least = acknowledged.get(at);
    long sequence = block.getLong(12);
    if (block.getInt(0) == 0 && sequence == 0) {
      assertEquals(0, least, () -> what + " is lost: it reads as zeros");
      return;
    }
    assertEquals(MAGIC, block.getInt(0), () -> what + " is torn");
    assertEquals(disk, block.getInt(4), () -> what + " is another disk's");
    assertEquals(number, block.getInt(8), () -> what + " is another block");
    assertEquals(checksum(block), block.getInt(SUM_AT), () -> what + " is torn");
    assertTrue(
        sequence >= least && sequence <= attempted.get(at),
        () -> what + " has write " + sequence + " of at least " + least);
    acknowledged.set(at, sequence); // it must not fall back behind it
  }

  /** How many writes of blocks returned so far. */
  long writes() {
    long sum = 0;
    for (int i = 0; i < acknowledged.length(); i++) {
      sum += acknowledged.get(i);
    }
    return sum;
  }

  /** How much was written by writes that returned. */
  long writtenBytes() {
    return writtenBytes.get();
  }
}
