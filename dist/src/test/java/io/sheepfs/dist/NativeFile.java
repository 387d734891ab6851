package io.sheepfs.dist;

import io.sheepfs.fuse.transport.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import jnr.ffi.LibraryLoader;
import jnr.ffi.annotations.In;
import jnr.ffi.types.intptr_t;
import jnr.ffi.types.off_t;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;

/**
 * A file opened by the C library itself, to read and write, for the calls that Java's channels do
 * not have. Buffers must be direct. Not safe for several threads.
 */
final class NativeFile implements AutoCloseable {

  static final int O_DIRECT = 0x4000;
  static final int FALLOC_KEEP_SIZE = 1;
  static final int FALLOC_PUNCH_HOLE = 2;
  static final int FALLOC_ZERO_RANGE = 0x10;
  static final int SEEK_DATA = 3;
  static final int SEEK_HOLE = 4;
  static final int PAGE_BYTES = 4096;

  private static final int ENXIO = 6;
  private static final int PROT_READ_WRITE = 3;
  private static final int MAP_SHARED = 1;
  private static final int MS_SYNC = 4;
  private static final int WAIT_WRITE_WAIT = 7;

  /** What {@link LibC} has no use for. */
  public interface Calls {
    @ssize_t
    long pread(int fd, @intptr_t long address, @size_t long count, @off_t long offset);

    @ssize_t
    long pwrite(int fd, @intptr_t long address, @size_t long count, @off_t long offset);

    int ftruncate(int fd, @off_t long sizeBytes);

    int fallocate(int fd, int mode, @off_t long offset, @off_t long length);

    @off_t
    long lseek(int fd, @off_t long offset, int whence);

    int fsync(int fd);

    int fdatasync(int fd);

    int sync_file_range(int fd, @off_t long offset, @off_t long length, int flags);

    @intptr_t
    long memcpy(@intptr_t long to, @intptr_t long from, @size_t long count);

    int msync(@intptr_t long address, @size_t long length, int flags);

    @ssize_t
    long copy_file_range(
        int from, @In long[] fromOffset, int to, @In long[] toOffset, @size_t long size, int flags);
  }

  private static final Calls CALLS = LibraryLoader.create(Calls.class).load("c");

  private final int fd;

  private NativeFile(int fd) {
    this.fd = fd;
  }

  /**
   * Opens a file that exists.
   *
   * @param flags beyond {@code O_RDWR}
   */
  static NativeFile open(Path path, int flags) throws IOException {
    int fd = LibC.INSTANCE.open(path.toString(), LibC.O_RDWR | LibC.O_CLOEXEC | flags);
    return new NativeFile((int) checked(fd, "open of " + path));
  }

  private static long checked(long result, String what) throws IOException {
    if (result < 0) {
      throw new IOException(what + " fails: errno " + LibC.errno());
    }
    return result;
  }

  /** A direct buffer that begins at a page. */
  static ByteBuffer pages(int bytes) {
    return ByteBuffer.allocateDirect(bytes + PAGE_BYTES).alignedSlice(PAGE_BYTES);
  }

  /** Reads into the first {@code count} bytes; returns how many there were. */
  int read(ByteBuffer dst, int count, long offset) throws IOException {
    int done = 0;
    while (done < count) {
      long at = LibC.address(dst) + done;
      int read = (int) checked(CALLS.pread(fd, at, count - done, offset + done), "read");
      if (read == 0) {
        break;
      }
      done += read;
    }
    return done;
  }

  /** Writes the first {@code count} bytes. */
  void write(ByteBuffer src, int count, long offset) throws IOException {
    int done = 0;
    while (done < count) {
      long at = LibC.address(src) + done;
      done += (int) checked(CALLS.pwrite(fd, at, count - done, offset + done), "write");
    }
  }

  void truncate(long sizeBytes) throws IOException {
    checked(CALLS.ftruncate(fd, sizeBytes), "truncate to " + sizeBytes);
  }

  void allocate(int mode, long offset, long length) throws IOException {
    checked(CALLS.fallocate(fd, mode, offset, length), "fallocate with mode " + mode);
  }

  /** Where {@code lseek} comes to; -1 if there is no such place. */
  long seek(long offset, int whence) throws IOException {
    long found = CALLS.lseek(fd, offset, whence);
    if (found < 0 && LibC.errno() == ENXIO) {
      return -1;
    }
    return checked(found, "lseek");
  }

  void sync(boolean dataOnly) throws IOException {
    checked(dataOnly ? CALLS.fdatasync(fd) : CALLS.fsync(fd), "fsync");
  }

  /** Hands all dirty pages to the mount, and asks for no more. */
  void writePages() throws IOException {
    checked(CALLS.sync_file_range(fd, 0, 0, WAIT_WRITE_WAIT), "sync_file_range");
  }

  /** Copies within the file; returns how much was copied. */
  long copy(long from, long to, long count) throws IOException {
    return checked(
        CALLS.copy_file_range(fd, new long[] {from}, fd, new long[] {to}, count, 0),
        "copy_file_range");
  }

  /** Maps a range, shared; {@code offset} is a multiple of {@link #PAGE_BYTES}. */
  Mapping map(long offset, int length) throws IOException {
    long address = LibC.INSTANCE.mmap(null, length, PROT_READ_WRITE, MAP_SHARED, fd, offset);
    if (address == -1) {
      throw new IOException("mmap fails: errno " + LibC.errno());
    }
    return new Mapping(address, length);
  }

  /**
   * A mapped range. It is copied by the C library: a thread that waits for a page in Java holds up
   * the collector, and so a sheep in this process, which the page has to come from. A page that
   * cannot be had ends the process.
   */
  static final class Mapping implements AutoCloseable {
    private final long address;
    private final int length;

    private Mapping(long address, int length) {
      this.address = address;
      this.length = length;
    }

    /** Reads all of it. */
    void read(ByteBuffer dst) {
      CALLS.memcpy(LibC.address(dst), address, length);
    }

    /** Writes all of it. */
    void write(ByteBuffer src) {
      CALLS.memcpy(address, LibC.address(src), length);
    }

    void sync() throws IOException {
      checked(CALLS.msync(address, length, MS_SYNC), "msync");
    }

    @Override
    public void close() throws IOException {
      checked(LibC.INSTANCE.munmap(address, length), "munmap");
    }
  }

  @Override
  public void close() throws IOException {
    checked(LibC.INSTANCE.close(fd), "close");
  }
}
