package io.sheepfs.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.NonWritableChannelException;
import java.nio.file.FileSystemException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An object's file as the channel it was opened as. */
final class ChannelFile implements ObjectFile {
  private final FileChannel file;

  /** Where bytes go through that cannot be read or written directly; null if all can. */
  private final @Nullable BlockBuffers aligned;

  /**
   * Opens a file.
   *
   * @param aligned to be given if the options ask for direct I/O, which takes only whole blocks of
   *     memory that is aligned to them, and not on the heap
   */
  ChannelFile(
      Path path, Set<OpenOption> options, FileAttribute<?> mode, @Nullable BlockBuffers aligned)
      throws IOException {
    this(open(path, options, mode), aligned);
  }

  /** A file that is open already. */
  ChannelFile(FileChannel file, @Nullable BlockBuffers aligned) {
    this.file = file;
    this.aligned = aligned;
  }

  private static boolean isAligned(ByteBuffer buffer) {
    return buffer.isDirect()
        && buffer.alignmentOffset(buffer.position(), BlockMap.BLOCK_BYTES) == 0;
  }

  /** On a disk that takes no writes only to read: there may be dirty blocks in the file. */
  private static FileChannel open(Path path, Set<OpenOption> options, FileAttribute<?> mode)
      throws IOException {
    try {
      return FileChannel.open(path, options, mode);
    } catch (FileSystemException e) {
      Set<OpenOption> toRead = new HashSet<>(options);
      toRead.removeAll(
          Set.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.DSYNC));
      try {
        return FileChannel.open(path, toRead);
      } catch (IOException other) {
        e.addSuppressed(other);
        throw e;
      }
    }
  }

  @Override
  public void read(ByteBuffer dst, long position) throws IOException {
    if (aligned == null || isAligned(dst)) {
      readAll(dst, position);
      return;
    }
    ByteBuffer blocks = aligned.take(dst.remaining());
    try {
      readAll(blocks, position);
      dst.put(blocks.flip());
    } finally {
      aligned.give(blocks);
    }
  }

  private void readAll(ByteBuffer dst, long position) throws IOException {
    long at = position;
    while (dst.hasRemaining()) {
      int count = file.read(dst, at);
      if (count < 0) {
        throw new IOException("a cached block is not in its file: it ends before " + at);
      }
      at += count;
    }
  }

  @Override
  public void write(ByteBuffer src, long position) throws IOException {
    if (aligned == null || isAligned(src)) {
      writeAll(src, position);
      return;
    }
    ByteBuffer blocks = aligned.take(src.remaining());
    try {
      int start = src.position();
      writeAll(blocks.put(0, src, start, src.remaining()), position);
      src.position(src.limit());
    } finally {
      aligned.give(blocks);
    }
  }

  private void writeAll(ByteBuffer src, long position) throws IOException {
    long at = position;
    try {
      while (src.hasRemaining()) {
        at += file.write(src, at);
      }
    } catch (NonWritableChannelException e) {
      file.close();
      throw (IOException) new ClosedChannelException().initCause(e); // to be opened again
    }
  }

  @Override
  public void force() throws IOException {
    file.force(true);
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
