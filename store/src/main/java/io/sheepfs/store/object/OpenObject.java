package io.sheepfs.store.object;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.StampedLock;

/**
 * The open file of one object, closed when the last who uses it lets go. {@link OpenObjects} holds
 * one use of it for as long as it is cached.
 *
 * <p>A kernel does not promise that a read sees all or nothing of a concurrent write, even within a
 * page. So writers exclude each other, as they do in the kernel anyway, and a reader that
 * overlapped with a writer reads again behind a shared lock.
 */
final class OpenObject {

  private final Path file;
  private final FileChannel channel;
  private final Disk disk;
  private final AtomicInteger uses = new AtomicInteger(1);
  private final StampedLock content = new StampedLock();

  OpenObject(Path file, FileChannel channel, Disk disk) {
    this.file = file;
    this.channel = channel;
    this.disk = disk;
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

  /** Fills {@code dst}; bytes behind the end of the file are zeros. */
  void read(long offset, ByteBuffer dst) throws IOException {
    int start = dst.position();
    long stamp = content.tryOptimisticRead();
    if (stamp != 0) {
      fill(offset, dst);
      if (content.validate(stamp)) {
        return;
      }
      dst.position(start);
    }
    stamp = content.readLock();
    try {
      fill(offset, dst);
    } finally {
      content.unlockRead(stamp);
    }
  }

  private void fill(long offset, ByteBuffer dst) throws IOException {
    long at = offset;
    while (dst.hasRemaining()) {
      int count = channel.read(dst, at);
      if (count < 0) {
        Zeros.fill(dst);
        return;
      }
      at += count;
    }
  }

  void write(long offset, ByteBuffer src) throws IOException {
    long stamp = content.writeLock();
    try {
      disk.write(channel, file, offset, src);
    } finally {
      content.unlockWrite(stamp);
    }
  }

  /** Makes what is stored of a range zero, without making the file longer. */
  void zero(long start, long end) throws IOException {
    long stamp = content.writeLock();
    try {
      long last = Math.min(end, channel.size());
      for (long at = start; at < last; ) {
        ByteBuffer zeros = Zeros.upTo(last - at);
        int count = zeros.remaining();
        disk.write(channel, file, at, zeros);
        at += count;
      }
    } finally {
      content.unlockWrite(stamp);
    }
  }

  /** Drops everything from {@code size} on. */
  void truncate(long size) throws IOException {
    long stamp = content.writeLock();
    try {
      if (size < channel.size()) {
        disk.truncate(channel, file, size);
      }
    } finally {
      content.unlockWrite(stamp);
    }
  }

  void force() throws IOException {
    disk.force(channel, file);
  }
}
