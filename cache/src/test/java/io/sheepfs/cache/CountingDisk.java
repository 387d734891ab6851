package io.sheepfs.cache;

import io.sheepfs.protocol.VdiId;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A cache directory that counts what is asked of it, and what the files of objects ask of their
 * channels, by name. Not for many threads.
 */
final class CountingDisk {

  private final Map<String, Integer> calls = new TreeMap<>();
  private final CacheDisk disk;

  private CountingDisk(Path directory) throws IOException {
    CacheDisk real = FileDisk.open(directory, CacheOptions.DiskAccess.PLAIN);
    this.disk =
        (CacheDisk)
            Proxy.newProxyInstance(
                CacheDisk.class.getClassLoader(),
                new Class<?>[] {CacheDisk.class},
                (proxy, method, arguments) -> {
                  count(method.getName());
                  try {
                    Object result = method.invoke(real, arguments);
                    if (result instanceof ObjectFile file) {
                      file.close();
                      return counted(
                          directory.resolve(
                              String.format(
                                  "%06x/%08x",
                                  ((VdiId) arguments[0]).value(), (Integer) arguments[1])));
                    }
                    return result;
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
  }

  static CountingDisk open(Path directory) throws IOException {
    return new CountingDisk(directory);
  }

  CacheDisk disk() {
    return disk;
  }

  /** What was asked since this was called last. */
  Map<String, Integer> take() {
    Map<String, Integer> taken = new TreeMap<>(calls);
    calls.clear();
    return taken;
  }

  private void count(String what) {
    calls.merge(what, 1, Integer::sum);
  }

  private ObjectFile counted(Path path) throws IOException {
    return new ChannelFile(
        new CountingChannel(
            FileChannel.open(path, Set.of(StandardOpenOption.READ, StandardOpenOption.WRITE))),
        null);
  }

  /** Each call that is one system call; nothing else is asked of the file of an object. */
  private final class CountingChannel extends FileChannel {
    private final FileChannel file;

    CountingChannel(FileChannel file) {
      this.file = file;
    }

    @Override
    public int read(ByteBuffer dst, long position) throws IOException {
      count("pread");
      return file.read(dst, position);
    }

    @Override
    public int write(ByteBuffer src, long position) throws IOException {
      count("pwrite");
      return file.write(src, position);
    }

    @Override
    public void force(boolean metaData) throws IOException {
      count("fsync");
      file.force(metaData);
    }

    @Override
    protected void implCloseChannel() throws IOException {
      count("close");
      file.close();
    }

    @Override
    public int read(ByteBuffer dst) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long read(ByteBuffer[] dsts, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public int write(ByteBuffer src) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long write(ByteBuffer[] srcs, int offset, int length) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel position(long newPosition) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long size() {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileChannel truncate(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long transferFrom(ReadableByteChannel src, long position, long count) {
      throw new UnsupportedOperationException();
    }

    @Override
    public MappedByteBuffer map(MapMode mode, long position, long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileLock lock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException();
    }

    @Override
    public FileLock tryLock(long position, long size, boolean shared) {
      throw new UnsupportedOperationException();
    }
  }
}
