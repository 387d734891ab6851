package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.LibC;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import jnr.constants.platform.Errno;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/**
 * An io_uring with room for one command at a time, as its only user, the thread that made it, needs
 * it: {@link #command}, {@link #submit}, {@link #await}. For that thread alone.
 *
 * <p>Source of the formats: the kernel's {@code include/uapi/linux/io_uring.h}.
 */
final class IoUring implements AutoCloseable {

  /** {@code IORING_OP_URING_CMD}. */
  private static final byte OP_URING_CMD = 46;

  /** {@code struct io_uring_sqe} with {@code IORING_SETUP_SQE128}. */
  private static final class Sqe {
    static final int OPCODE = 0;
    static final int FD = 4;
    static final int CMD_OP = 8;
    static final int ADDR = 16;
    static final int LEN = 24;
    static final int CMD = 48;
    static final int SIZE = 128;
  }

  /** {@code struct io_uring_cqe}. */
  private static final class Cqe {
    static final int RES = 8;
    static final int SIZE = 16;
  }

  /** {@code struct io_uring_params} with the offsets of the rings that the kernel answers. */
  private static final class Params {
    static final int FLAGS = 8;
    static final int FEATURES = 20;
    static final int SQ_TAIL = 44;
    static final int SQ_MASK = 48;
    static final int CQ_HEAD = 80;
    static final int CQ_TAIL = 84;
    static final int CQ_MASK = 88;
    static final int CQ_CQES = 100;
    static final int SQ_ENTRIES = 0;
    static final int CQ_ENTRIES = 4;
    static final int SIZE = 120;
  }

  private static final long SYS_SETUP = 425;
  private static final long SYS_ENTER = 426;

  private static final int SETUP_SQE128 = 1 << 10;
  private static final int SETUP_SINGLE_ISSUER = 1 << 12;
  private static final int SETUP_DEFER_TASKRUN = 1 << 13;
  private static final int SETUP_NO_SQARRAY = 1 << 16;

  private static final int FEAT_SINGLE_MMAP = 1;
  private static final int FEAT_NO_IOWAIT = 1 << 17;

  private static final int ENTER_GETEVENTS = 1;
  private static final int ENTER_NO_IOWAIT = 1 << 7;

  private static final long OFFSET_RINGS = 0;
  private static final long OFFSET_SQES = 0x10000000L;

  private static final VarHandle INT =
      MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

  private final int fd;
  private final int waitFlags;
  private final ByteBuffer rings;
  private final ByteBuffer sqes;
  private final int sqTail;
  private final int sqMask;
  private final int cqHead;
  private final int cqTail;
  private final int cqMask;
  private final int cqes;

  /** Whether a command was put into the ring that the kernel was not told of. */
  private int toSubmit;

  /**
   * Makes one.
   *
   * @throws IOException if this kernel, or who guards it, gives none
   */
  IoUring() throws IOException {
    Pointer params = Memory.allocateDirect(LibC.runtime(), Params.SIZE, true);
    params.putInt(
        Params.FLAGS, SETUP_SQE128 | SETUP_SINGLE_ISSUER | SETUP_DEFER_TASKRUN | SETUP_NO_SQARRAY);
    long made = LibC.INSTANCE.syscall(SYS_SETUP, 1, params.address(), 0, 0, null);
    if (made < 0) {
      throw failure("cannot make an io_uring");
    }
    fd = (int) made;
    boolean done = false;
    try {
      int features = params.getInt(Params.FEATURES);
      if ((features & FEAT_SINGLE_MMAP) == 0) {
        throw new IOException("this io_uring is older than FUSE over it");
      }
      // without it an idle mount would look like a busy disk
      waitFlags = ENTER_GETEVENTS | ((features & FEAT_NO_IOWAIT) != 0 ? ENTER_NO_IOWAIT : 0);
      sqTail = params.getInt(Params.SQ_TAIL);
      cqHead = params.getInt(Params.CQ_HEAD);
      cqTail = params.getInt(Params.CQ_TAIL);
      cqes = params.getInt(Params.CQ_CQES);
      int cqesEnd = cqes + params.getInt(Params.CQ_ENTRIES) * Cqe.SIZE;
      rings = LibC.map(fd, OFFSET_RINGS, cqesEnd);
      boolean mapped = false;
      try {
        sqMask = rings.getInt(params.getInt(Params.SQ_MASK));
        cqMask = rings.getInt(params.getInt(Params.CQ_MASK));
        sqes = LibC.map(fd, OFFSET_SQES, params.getInt(Params.SQ_ENTRIES) * Sqe.SIZE);
        mapped = true;
      } finally {
        if (!mapped) {
          LibC.unmap(rings);
        }
      }
      done = true;
    } finally {
      if (!done) {
        LibC.INSTANCE.close(fd);
      }
    }
  }

  private static IOException failure(String what) {
    return new IOException(what + ": " + Errno.valueOf(LibC.errno()).description());
  }

  /**
   * Begins a command to the driver behind a descriptor; the one before must have completed.
   *
   * @param address what the driver is given, or 0
   * @param length its length, in the driver's terms
   * @return the area of the command's own arguments, zeroed, for absolute puts from {@link
   *     #COMMAND} on
   */
  ByteBuffer command(int descriptor, int operation, long address, int length) {
    int tail = (int) INT.get(rings, sqTail);
    int at = (tail & sqMask) * Sqe.SIZE;
    for (int zero = 0; zero < Sqe.SIZE; zero += Long.BYTES) {
      sqes.putLong(at + zero, 0);
    }
    sqes.put(at + Sqe.OPCODE, OP_URING_CMD);
    sqes.putInt(at + Sqe.FD, descriptor);
    sqes.putInt(at + Sqe.CMD_OP, operation);
    sqes.putLong(at + Sqe.ADDR, address);
    sqes.putInt(at + Sqe.LEN, length);
    INT.setRelease(rings, sqTail, tail + 1);
    toSubmit = 1;
    return sqes;
  }

  /** Where the arguments lie in what {@link #command} gives. */
  static final int COMMAND = Sqe.CMD;

  /** Tells the kernel of the command and returns at once. */
  void submit() throws IOException {
    enter(0, 0);
  }

  /**
   * Waits until the command is complete, telling the kernel of it before if it has not been told.
   *
   * @return its result; a negative errno for a failure
   */
  int await() throws IOException {
    while (!isComplete()) {
      enter(1, waitFlags);
    }
    int head = (int) INT.get(rings, cqHead);
    int result = rings.getInt(cqes + (head & cqMask) * Cqe.SIZE + Cqe.RES);
    INT.setRelease(rings, cqHead, head + 1);
    return result;
  }

  /** Whether {@link #await} would return at once. */
  boolean isComplete() {
    return toSubmit == 0 && (int) INT.getAcquire(rings, cqTail) != (int) INT.get(rings, cqHead);
  }

  private void enter(int atLeast, int flags) throws IOException {
    long submitted = LibC.INSTANCE.syscall(SYS_ENTER, fd, toSubmit, atLeast, flags, null);
    if (submitted > 0) {
      toSubmit = 0;
    } else if (submitted < 0) {
      int errno = LibC.errno();
      if (errno != LibC.EINTR && errno != LibC.EAGAIN) {
        throw new IOException("io_uring: " + Errno.valueOf(errno).description());
      }
    }
  }

  /** Cancels what is under way and gives everything back. */
  @Override
  public void close() {
    LibC.unmap(rings);
    LibC.unmap(sqes);
    LibC.INSTANCE.close(fd);
  }
}
