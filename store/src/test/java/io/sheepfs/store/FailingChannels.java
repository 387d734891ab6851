package io.sheepfs.store;

import io.sheepfs.store.object.Disk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** Lets one of the system calls that read and write files fail, or do less than it was asked. */
final class FailingChannels implements Disk.ChangeListener {

  /** How. */
  enum Kind {
    /** A read fails with EIO. */
    READ_ERROR,
    /** A read or a write does a part and says so, which is no error. */
    SHORT,
    /** A write does a part, and the disk is full then. */
    HALF_WRITTEN
  }

  private static final int PAGE_BYTES = 4096;

  private final Disk.ChangeListener next;
  private final Kind kind;
  private final int site;
  private int calls;
  private boolean isPaused;
  private boolean isFresh;
  private boolean hasHappened;

  /**
   * A disk with one error.
   *
   * @param site which call it is; the first is 0
   */
  FailingChannels(Disk.ChangeListener next, Kind kind, int site) {
    this.next = next;
    this.kind = kind;
    this.site = site;
  }

  @Override
  public void beforeChange(Disk.Change change, Path path) throws IOException {
    next.beforeChange(change, path);
  }

  @Override
  public FileChannel opened(Path path, FileChannel channel) {
    return new Failing(path, channel);
  }

  /** What is looked at by the test itself neither counts nor fails. */
  synchronized void pause(boolean isPause) {
    isPaused = isPause;
  }

  /** Whether it has happened since this was called last. */
  synchronized boolean takeFresh() {
    boolean was = isFresh;
    isFresh = false;
    return was;
  }

  /** Whether there was a call of that number. */
  synchronized boolean hasHappened() {
    return hasHappened;
  }

  private synchronized boolean isDue(boolean isRead) {
    boolean counts =
        switch (kind) {
          case READ_ERROR -> isRead;
          case SHORT -> true;
          case HALF_WRITTEN -> !isRead;
        };
    if (isPaused || !counts || calls++ != site) {
      return false;
    }
    hasHappened = true;
    isFresh = kind != Kind.SHORT;
    return true;
  }

  private final class Failing extends FileChannel {
    private final Path path;
    private final FileChannel channel;

    Failing(Path path, FileChannel channel) {
      this.path = path;
      this.channel = channel;
    }

    private interface Call {
      int on(ByteBuffer buffer) throws IOException;
    }

    private int reading(ByteBuffer dst, Call call) throws IOException {
      if (!isDue(true)) {
        return call.on(dst);
      }
      if (kind == Kind.READ_ERROR) {
        throw new IOException("injected: input/output error");
      }
      return half(dst, call);
    }

    private int writing(ByteBuffer src, Call call) throws IOException {
      if (!isDue(false)) {
        return call.on(src);
      }
      if (kind == Kind.SHORT) {
        return half(src, call);
      }
      // space is given by the page
      int unused = part(src, src.remaining() / 2 / PAGE_BYTES * PAGE_BYTES, call);
      throw new FileSystemException(path.toString(), null, "No space left on device");
    }

    private static int half(ByteBuffer buffer, Call call) throws IOException {
      return part(buffer, (buffer.remaining() + 1) / 2, call);
    }

    private static int part(ByteBuffer buffer, int bytes, Call call) throws IOException {
      int limit = buffer.limit();
      buffer.limit(buffer.position() + bytes);
      try {
        return call.on(buffer);
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
    public long transferTo(long position, long count, WritableByteChannel target)
        throws IOException {
      if (!isDue(true)) {
        return channel.transferTo(position, count, target);
      }
      if (kind == Kind.READ_ERROR) {
        throw new IOException("injected: input/output error");
      }
      return channel.transferTo(position, (count + 1) / 2, target);
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
      channel.truncate(size);
      return this;
    }

    @Override
    public void force(boolean metaData) throws IOException {
      channel.force(metaData);
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
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
}
