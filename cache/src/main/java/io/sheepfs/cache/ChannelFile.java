package io.sheepfs.cache;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.util.Set;

/** An object's file as the channel it was opened as. */
final class ChannelFile implements ObjectFile {
  private final FileChannel file;

  ChannelFile(Path path, Set<OpenOption> options, FileAttribute<?> mode) throws IOException {
    this.file = FileChannel.open(path, options, mode);
  }

  @Override
  public void read(ByteBuffer dst, long position) throws IOException {
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
    long at = position;
    while (src.hasRemaining()) {
      at += file.write(src, at);
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
