package io.sheepfs.protocol.faulty;

import io.sheepfs.protocol.faulty.FaultPlan.Call;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.function.Consumer;

/** An open file of a {@link FaultyFileSystem}. */
final class FaultyChannel extends FileChannel {

  private static final int PAGE_BYTES = 4096;

  private final FileChannel channel;
  private final Path path;
  private final FaultPlan plan;
  private final Consumer<Path> forced;

  FaultyChannel(FileChannel channel, Path path, FaultPlan plan, Consumer<Path> forced) {
    this.channel = channel;
    this.path = path;
    this.plan = plan;
    this.forced = forced;
  }

  private interface Transfer {
    int on(ByteBuffer buffer) throws IOException;
  }

  private int reading(ByteBuffer dst, Transfer transfer) throws IOException {
    return plan.next(Call.READ, path) ? half(dst, transfer) : transfer.on(dst);
  }

  private int writing(ByteBuffer src, Transfer transfer) throws IOException {
    try {
      return plan.next(Call.WRITE, path) ? half(src, transfer) : transfer.on(src);
    } catch (FileSystemException full) {
      // space is given by the page
      int unused = part(src, src.remaining() / 2 / PAGE_BYTES * PAGE_BYTES, transfer);
      throw full;
    }
  }

  private static int half(ByteBuffer buffer, Transfer transfer) throws IOException {
    return part(buffer, (buffer.remaining() + 1) / 2, transfer);
  }

  private static int part(ByteBuffer buffer, int bytes, Transfer transfer) throws IOException {
    int limit = buffer.limit();
    buffer.limit(buffer.position() + bytes);
    try {
      return transfer.on(buffer);
    } finally {
      buffer.limit(limit);
    }
  }

  @Override
  public int read(ByteBuffer dst) throws IOException {
    return reading(dst, channel::read);
  }

  @Override
  public int read(ByteBuffer dst, long position) throws IOException {
    return reading(dst, part -> channel.read(part, position));
  }

  @Override
  public int write(ByteBuffer src) throws IOException {
    return writing(src, channel::write);
  }

  @Override
  public int write(ByteBuffer src, long position) throws IOException {
    return writing(src, part -> channel.write(part, position));
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    boolean isShort = plan.next(Call.READ, path);
    return channel.transferTo(position, isShort ? (count + 1) / 2 : count, target);
  }

  @Override
  public long read(ByteBuffer[] dsts, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long write(ByteBuffer[] srcs, int offset, int length) {
    throw new UnsupportedOperationException();
  }

  @Override
  public long transferFrom(ReadableByteChannel source, long position, long count)
      throws IOException {
    return channel.transferFrom(source, position, count);
  }

  @Override
  public long position() throws IOException {
    return channel.position();
  }

  @Override
  public FileChannel position(long position) throws IOException {
    channel.position(position);
    return this;
  }

  @Override
  public long size() throws IOException {
    return channel.size();
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    boolean unused = plan.next(Call.TRUNCATE, path);
    channel.truncate(size);
    return this;
  }

  @Override
  public void force(boolean metaData) throws IOException {
    boolean unused = plan.next(Call.FORCE, path);
    channel.force(metaData);
    forced.accept(path);
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
    boolean unused = plan.next(Call.MAP, path);
    return channel.map(mode, position, size);
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) throws IOException {
    return channel.lock(position, size, shared);
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) throws IOException {
    return channel.tryLock(position, size, shared);
  }

  @Override
  protected void implCloseChannel() throws IOException {
    channel.close();
  }
}
