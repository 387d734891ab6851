package io.sheepfs.store.object;

import io.sheepfs.telemetry.Stage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.StampedLock;

/**
 * The open file of one object, closed when the last who uses it lets go. {@link OpenObjects} holds
 * one use of it for as long as it is cached.
 *
 * <p>A kernel does not promise that a read sees all or nothing of a concurrent write, even within a
 * page. So writers of the same part of an object exclude each other, and a reader that overlapped
 * with one reads again behind a shared lock. Writers of different parts meet only in the kernel,
 * which hands its lock over faster than we could.
 */
final class OpenObject {

  /** The part of a byte is given by these bits of its offset: the parts take turns. */
  private static final int PART_SHIFT = 18;

  private static final int PARTS = 8;
  private static final int ALL_PARTS = (1 << PARTS) - 1;

  private final Path file;
  private final FileChannel channel;
  private final Disk disk;
  private final AtomicInteger uses = new AtomicInteger(1);
  private final StampedLock[] parts = new StampedLock[PARTS];

  /** Bytes written since it was last forced, or found due. */
  private final AtomicLong unforcedBytes;

  OpenObject(Path file, FileChannel channel, Disk disk, long unforcedBytes) {
    this.file = file;
    this.channel = channel;
    this.disk = disk;
    this.unforcedBytes = new AtomicLong(unforcedBytes);
    for (int part = 0; part < PARTS; part++) {
      parts[part] = new StampedLock();
    }
  }

  FileChannel channel() {
    return channel;
  }

  /** Begins a use; false if the file is closed already. */
  boolean retain() {
    int count = uses.get();
    while (count > 0) {
      if (uses.compareAndSet(count, count + 1)) {
        return true;
      }
      count = uses.get();
    }
    return false;
  }

  /** Ends a use. */
  void release() {
    if (uses.decrementAndGet() == 0) {
      try {
        channel.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /** The parts that bytes {@code [start, end)} lie in, a bit for each. */
  private static int partsOf(long start, long end) {
    long first = start >>> PART_SHIFT;
    long last = (Math.max(start + 1, end) - 1) >>> PART_SHIFT;
    int count = (int) Math.min(PARTS, last - first + 1);
    int turn = (int) (first & (PARTS - 1));
    int bits = ((1 << count) - 1) << turn;
    return (bits | bits >>> PARTS) & ALL_PARTS;
  }

  private static int only(int part) {
    return Integer.numberOfTrailingZeros(part);
  }

  /** Fills {@code dst}; bytes behind the end of the file are zeros. */
  void read(long offset, ByteBuffer dst) throws IOException {
    int wanted = partsOf(offset, offset + dst.remaining());
    if (Integer.bitCount(wanted) == 1) {
      StampedLock part = parts[only(wanted)];
      int start = dst.position();
      long stamp = part.tryOptimisticRead();
      if (stamp != 0) {
        fill(offset, dst);
        if (part.validate(stamp)) {
          return;
        }
        dst.position(start);
      }
    }
    long[] stamps = new long[PARTS];
    for (int part = 0; part < PARTS; part++) {
      if ((wanted >>> part & 1) != 0) {
        stamps[part] = parts[part].readLock();
      }
    }
    try {
      fill(offset, dst);
    } finally {
      unlock(stamps);
    }
  }

  private void fill(long offset, ByteBuffer dst) throws IOException {
    long begin = Stage.begin();
    long at = offset;
    while (dst.hasRemaining()) {
      int count = channel.read(dst, at);
      if (count < 0) {
        Zeros.fill(dst);
        break;
      }
      at += count;
    }
    long unused = Stage.STORE_READ.end(begin);
  }

  void write(long offset, ByteBuffer src) throws IOException {
    int count = src.remaining();
    int wanted = partsOf(offset, offset + count);
    if (Integer.bitCount(wanted) == 1) {
      StampedLock part = parts[only(wanted)];
      long stamp = part.writeLock();
      try {
        disk.write(channel, file, offset, src);
      } finally {
        part.unlockWrite(stamp);
      }
    } else {
      long[] stamps = lock(wanted);
      try {
        disk.write(channel, file, offset, src);
      } finally {
        unlock(stamps);
      }
    }
    unforcedBytes.addAndGet(count);
  }

  /** Takes some of the locks in ascending order, so that there is no deadlock. */
  private long[] lock(int wanted) {
    long[] stamps = new long[PARTS];
    for (int part = 0; part < PARTS; part++) {
      if ((wanted >>> part & 1) != 0) {
        stamps[part] = parts[part].writeLock();
      }
    }
    return stamps;
  }

  private void unlock(long[] stamps) {
    for (int part = 0; part < PARTS; part++) {
      if (stamps[part] != 0) {
        parts[part].unlock(stamps[part]);
      }
    }
  }

  /** Makes what is stored of a range zero, without making the file longer. */
  void zero(long start, long end) throws IOException {
    long[] stamps = lock(ALL_PARTS);
    try {
      long last = Math.min(end, channel.size());
      for (long at = start; at < last; ) {
        ByteBuffer zeros = Zeros.upTo(last - at);
        int count = zeros.remaining();
        disk.write(channel, file, at, zeros);
        at += count;
      }
    } finally {
      unlock(stamps);
    }
  }

  /** Drops everything from {@code size} on. */
  void truncate(long size) throws IOException {
    long[] stamps = lock(ALL_PARTS);
    try {
      if (size < channel.size()) {
        disk.truncate(channel, file, size);
      }
    } finally {
      unlock(stamps);
    }
  }

  /** Whether so much was written to it that it should be forced early; says so once. */
  boolean isDue() {
    return unforcedBytes.get() >= Forces.EARLY_BYTES
        && unforcedBytes.getAndSet(0) >= Forces.EARLY_BYTES;
  }

  void force() throws IOException {
    unforcedBytes.set(0);
    disk.force(channel, file);
  }
}
