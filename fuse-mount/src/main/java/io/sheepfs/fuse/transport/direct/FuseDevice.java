package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.Fusermount;
import io.sheepfs.fuse.transport.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import jnr.constants.platform.Errno;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/**
 * A mounted session: the {@code /dev/fuse} descriptor that the kernel tied to a mountpoint. Root
 * mounts by itself; anybody else has {@code fusermount3} do it, which hands the descriptor over a
 * Unix socket.
 *
 * <p>Safe for any number of threads. {@link #unmount} may be called while others {@link #read}:
 * they see {@link #UNMOUNTED} then.
 */
final class FuseDevice implements AutoCloseable {

  /** What {@link #read} answers when there is nothing more to come. */
  static final int UNMOUNTED = -1;

  /** What {@link #read} answers when it should be called again. */
  static final int AGAIN = 0;

  private static final int PAGE_BYTES = 4096;
  private static final String DEVICE = "/dev/fuse";
  private final Path mountpoint;
  private final int fd;
  private final AtomicBoolean unmounted = new AtomicBoolean();

  private FuseDevice(Path mountpoint, int fd) {
    this.mountpoint = mountpoint;
    this.fd = fd;
  }

  /**
   * Mounts.
   *
   * @param mountpoint an existing directory
   * @param source what {@code df} and {@code /proc/mounts} show as the device
   * @param readOnly whether the kernel refuses writes
   * @param options what FUSE itself understands: {@code default_permissions}, {@code allow_other}
   * @throws IOException with what to do about it in the message
   */
  static FuseDevice mount(Path mountpoint, String source, boolean readOnly, List<String> options)
      throws IOException {
    return LibC.INSTANCE.geteuid() == 0
        ? mountAsRoot(mountpoint, source, readOnly, options)
        : mountByFusermount(mountpoint, source, readOnly, options);
  }

  private static FuseDevice mountAsRoot(
      Path mountpoint, String source, boolean readOnly, List<String> options) throws IOException {
    int fd = openDevice();
    String data =
        String.join(",", options)
            + (options.isEmpty() ? "" : ",")
            + "fd="
            + fd
            + ",rootmode=40000,user_id="
            + LibC.INSTANCE.getuid()
            + ",group_id="
            + LibC.INSTANCE.getgid();
    long flags = LibC.MS_NOSUID | LibC.MS_NODEV | (readOnly ? LibC.MS_RDONLY : 0);
    if (LibC.INSTANCE.mount(source, mountpoint.toString(), "fuse.sheepfs", flags, data) != 0) {
      IOException failure = failure("cannot mount at " + mountpoint);
      LibC.INSTANCE.close(fd);
      throw failure;
    }
    return new FuseDevice(mountpoint, fd);
  }

  private static FuseDevice mountByFusermount(
      Path mountpoint, String source, boolean readOnly, List<String> options) throws IOException {
    String all =
        String.join(",", options)
            + (options.isEmpty() ? "" : ",")
            + "fsname="
            + source.replace("\\", "\\\\").replace(",", "\\,")
            + ",subtype=sheepfs,nosuid,nodev"
            + (readOnly ? ",ro" : "");
    int[] sockets = new int[2];
    if (LibC.INSTANCE.socketpair(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0, sockets)
        != 0) {
      throw failure("cannot make a socket for fusermount3");
    }
    try {
      int child = Fusermount.start(sockets[1], "-o", all, "--", mountpoint.toString());
      LibC.INSTANCE.close(sockets[1]);
      sockets[1] = -1;
      int fd = receiveDescriptor(sockets[0]);
      Fusermount.await(child);
      if (fd < 0) {
        throw new IOException(
            "fusermount3 refused to mount at "
                + mountpoint
                + "; its message is above. The directory must be yours and writable, and everybody"
                + " must be allowed to open /dev/fuse (chmod 666 /dev/fuse)");
      }
      return new FuseDevice(mountpoint, fd);
    } finally {
      LibC.INSTANCE.close(sockets[0]);
      if (sockets[1] >= 0) {
        LibC.INSTANCE.close(sockets[1]);
      }
    }
  }

  /**
   * Receives one descriptor by SCM_RIGHTS; -1 if the other side closed without sending any.
   *
   * <pre>
   * msghdr:  name* @0 | namelen @8 | iov* @16 | iovlen @24 | control* @32 | controllen @40 | flags @48
   * cmsghdr: len @0 | level @8 | type @12 | data @16
   * </pre>
   */
  private static int receiveDescriptor(int socket) {
    Pointer memory = Memory.allocateDirect(LibC.runtime(), 128, true);
    long data = memory.address() + 120;
    long iovec = memory.address() + 56;
    long control = memory.address() + 72;
    memory.putLong(56, data);
    memory.putLong(64, 1);
    memory.putLong(16, iovec);
    memory.putLong(24, 1);
    memory.putLong(32, control);
    memory.putLong(40, 24);
    long received;
    do {
      received = LibC.INSTANCE.recvmsg(socket, memory, LibC.MSG_CMSG_CLOEXEC);
    } while (received < 0 && LibC.errno() == LibC.EINTR);
    boolean gotOne = received > 0 && memory.getLong(40) >= 20 && memory.getInt(72 + 12) == 1;
    return gotOne ? memory.getInt(72 + 16) : -1;
  }

  private static int openDevice() throws IOException {
    int fd = LibC.INSTANCE.open(DEVICE, LibC.O_RDWR | LibC.O_CLOEXEC);
    if (fd < 0) {
      throw failure("cannot open " + DEVICE + " (is the kernel module 'fuse' loaded?)");
    }
    return fd;
  }

  private static IOException failure(String what) {
    int errno = LibC.errno();
    return new IOException(what + ": " + Errno.valueOf(errno).description());
  }

  /** Where it is mounted. */
  Path mountpoint() {
    return mountpoint;
  }

  /**
   * Another descriptor of the same session, whose requests do not contend with this one's. The
   * caller closes it with {@link #closeClone}.
   *
   * @return this session's own descriptor where the kernel cannot clone
   */
  int cloneDescriptor() {
    int clone = LibC.INSTANCE.open(DEVICE, LibC.O_RDWR | LibC.O_CLOEXEC);
    if (clone < 0) {
      return fd;
    }
    if (LibC.INSTANCE.ioctl(clone, FuseAbi.DEV_IOC_CLONE, new int[] {fd}) != 0) {
      LibC.INSTANCE.close(clone);
      return fd;
    }
    return clone;
  }

  /** Closes what {@link #cloneDescriptor} gave. */
  void closeClone(int descriptor) {
    if (descriptor != fd) {
      LibC.INSTANCE.close(descriptor);
    }
  }

  /** The session's first descriptor. */
  int descriptor() {
    return fd;
  }

  /**
   * Waits for a request.
   *
   * @return its length in bytes, {@link #AGAIN}, or {@link #UNMOUNTED}
   * @throws IOException if the device fails
   */
  static int read(int descriptor, long address, int capacity) throws IOException {
    long length = LibC.INSTANCE.read(descriptor, address, capacity);
    if (length >= 0) {
      return length == 0 ? UNMOUNTED : (int) length;
    }
    int errno = LibC.errno();
    return switch (errno) {
      case LibC.ENODEV -> UNMOUNTED;
      case LibC.EINTR, LibC.EAGAIN, LibC.ENOENT -> AGAIN;
      default -> throw new IOException("reading " + DEVICE + ": " + Errno.valueOf(errno));
    };
  }

  /**
   * Sends a reply or a notification.
   *
   * @return whether somebody took it; false when the request was interrupted, or the entry to
   *     forget is not known, or the session has ended
   * @throws IOException if the kernel did not understand it
   */
  static boolean write(int descriptor, long address, int length) throws IOException {
    long written = LibC.INSTANCE.write(descriptor, address, length);
    if (written == length) {
      return true;
    }
    int errno = LibC.errno();
    if (errno == LibC.ENOENT || errno == LibC.ENODEV) {
      return false;
    }
    throw new IOException("answering on " + DEVICE + ": " + Errno.valueOf(errno));
  }

  /**
   * A buffer of {@code length} bytes in native order at a page boundary, to be given back by {@link
   * #free}. The kernel provides its pages when they are first touched.
   */
  static ByteBuffer pageAligned(int length) {
    long[] address = new long[1];
    if (LibC.INSTANCE.posix_memalign(address, PAGE_BYTES, length) != 0) {
      throw new OutOfMemoryError("no " + length + " bytes for a request");
    }
    return LibC.buffer(address[0], length).order(ByteOrder.nativeOrder());
  }

  /** Gives a buffer of {@link #pageAligned} back. */
  static void free(ByteBuffer buffer) {
    LibC.INSTANCE.free(LibC.address(buffer));
  }

  /** Takes the mount away, even when it is in use; again does nothing. */
  void unmount() throws IOException {
    if (!unmounted.compareAndSet(false, true)) {
      return;
    }
    Fusermount.detach(mountpoint);
  }

  /** Tells that the kernel itself ended the mount, so that {@link #unmount} leaves it alone. */
  void gone() {
    unmounted.set(true);
  }

  /** Closes the session's descriptor. Only when nobody reads it any more. */
  @Override
  public void close() {
    LibC.INSTANCE.close(fd);
  }
}
