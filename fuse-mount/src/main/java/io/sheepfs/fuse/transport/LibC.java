package io.sheepfs.fuse.transport;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.In;
import jnr.ffi.annotations.Out;
import jnr.ffi.types.intptr_t;
import jnr.ffi.types.off_t;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;
import org.jspecify.annotations.Nullable;

/**
 * The system calls of a FUSE session. Each answers as the C library does: -1, and the errno in
 * {@link #errno()} of the same thread.
 */
public interface LibC {

  int O_RDWR = 2;
  int O_CLOEXEC = 0x80000;
  int MS_RDONLY = 1;
  int MS_NOSUID = 2;
  int MS_NODEV = 4;
  int MNT_DETACH = 2;
  int AF_UNIX = 1;
  int SOCK_STREAM = 1;
  int SOCK_CLOEXEC = 0x80000;
  int MSG_CMSG_CLOEXEC = 0x40000000;
  int F_SETFD = 2;
  int PROT_READ_WRITE = 3;
  int MAP_SHARED_POPULATE = 0x8001;

  int ENOENT = 2;
  int EINTR = 4;
  int EAGAIN = 11;
  int EBUSY = 16;
  int ENODEV = 19;
  int EPERM = 1;
  int EINVAL = 22;

  /** The C library of this process. */
  LibC INSTANCE = LibraryLoader.create(LibC.class).load("c");

  /** The runtime that pointers belong to. */
  static Runtime runtime() {
    return Runtime.getRuntime(INSTANCE);
  }

  /** The errno of the last failed call of this thread. */
  static int errno() {
    return jnr.ffi.LastError.getLastError(runtime());
  }

  int open(@In String path, int flags);

  int close(int fd);

  @ssize_t
  long read(int fd, @intptr_t long address, @size_t long count);

  @ssize_t
  long write(int fd, @intptr_t long address, @size_t long count);

  int ioctl(int fd, long request, @In int[] argument);

  int mount(@In String source, @In String target, @In String type, long flags, @In String data);

  int umount2(@In String target, int flags);

  int socketpair(int domain, int type, int protocol, @Out int[] fds);

  @ssize_t
  long recvmsg(int fd, Pointer message, int flags);

  int fcntl(int fd, int command, int argument);

  int posix_spawn(
      @Out int[] pid,
      @In String path,
      @Nullable Pointer fileActions,
      @Nullable Pointer attributes,
      @In String[] arguments,
      @In String[] environment);

  int setsid();

  int waitpid(int pid, @Out int[] status, int options);

  int posix_memalign(@Out long[] address, @size_t long alignment, @size_t long size);

  void free(@intptr_t long address);

  /**
   * Any system call with at most five arguments, the fifth a pointer; what is too much is ignored.
   * A pointer among them keeps jnr-ffi off its shortest way into C, which loses a sixth number.
   */
  long syscall(long number, long first, long second, long third, long fourth, @Nullable Pointer p);

  @intptr_t
  long mmap(
      @Nullable Pointer address,
      @size_t long length,
      int protection,
      int flags,
      int fd,
      @off_t long offset);

  int munmap(@intptr_t long address, @size_t long length);

  /** Binds a thread, 0 for the calling one, to the processors whose bits are set. */
  int sched_setaffinity(int thread, @size_t long bytes, @In byte[] processors);

  int getuid();

  int geteuid();

  int getgid();

  /** A buffer over memory that the kernel zeroes page by page when it is first touched. */
  static ByteBuffer buffer(long address, int length) {
    return com.kenai.jffi.MemoryIO.getInstance().newDirectByteBuffer(address, length);
  }

  /**
   * Maps {@code length} bytes of a descriptor, shared with the kernel, in native order.
   *
   * @throws IOException if the kernel refuses
   */
  static ByteBuffer map(int fd, long offset, int length) throws IOException {
    long address = INSTANCE.mmap(null, length, PROT_READ_WRITE, MAP_SHARED_POPULATE, fd, offset);
    if (address == -1) {
      throw new IOException("cannot map " + length + " bytes: errno " + errno());
    }
    return buffer(address, length).order(ByteOrder.nativeOrder());
  }

  /** Gives back what {@link #map} gave; the buffer must not be used after that. */
  static void unmap(ByteBuffer mapped) {
    INSTANCE.munmap(address(mapped), mapped.capacity());
  }

  /** The address of a direct buffer's first byte. */
  static long address(ByteBuffer buffer) {
    return com.kenai.jffi.MemoryIO.getInstance().getDirectBufferAddress(buffer);
  }
}
