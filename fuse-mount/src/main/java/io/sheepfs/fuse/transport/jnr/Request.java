package io.sheepfs.fuse.transport.jnr;

import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.fuse.transport.LibC;
import java.io.IOException;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * Room for one request of the kernel, with the data of a WRITE at a page boundary. For one thread.
 */
final class Request {

  /** What {@link #receive} answers when there is nothing more to come. */
  static final int UNMOUNTED = -1;

  /** What {@link #receive} answers when it should be called again. */
  static final int AGAIN = 0;

  private static final int PAGE_BYTES = 4096;
  private static final int EINTR = 4;

  /** What stands before the data of a WRITE: 40 bytes of header and 40 of arguments. */
  private static final int WRITE_HEAD_BYTES = 80;

  /** Where the header has the operation, and the one that removes a file. */
  private static final int OPCODE = 4;

  private static final int UNLINK = 10;

  private final LibFuse2 library;
  private final Pointer channel;
  private final Pointer channelCell;
  private final long allocated;
  private final long address;
  private final long capacity;
  private int opcode;

  Request(LibFuse2 library, Pointer channel) {
    this.library = library;
    this.channel = channel;
    channelCell = Memory.allocateDirect(Runtime.getSystemRuntime(), Long.BYTES, true);
    capacity = library.fuse_chan_bufsize(channel);
    long[] room = new long[1];
    if (LibC.INSTANCE.posix_memalign(room, PAGE_BYTES, capacity + PAGE_BYTES) != 0) {
      throw new OutOfMemoryError("no " + capacity + " bytes for a request");
    }
    allocated = room[0];
    address = allocated + PAGE_BYTES - WRITE_HEAD_BYTES;
  }

  /**
   * Waits for a request.
   *
   * @return its length in bytes, {@link #AGAIN}, or {@link #UNMOUNTED}
   * @throws IOException if the device fails
   */
  int receive() throws IOException {
    channelCell.putPointer(0, channel);
    int length = library.fuse_chan_recv(channelCell, address, capacity);
    if (length > 0) {
      opcode = com.kenai.jffi.MemoryIO.getInstance().getInt(address + OPCODE);
      return length;
    }
    return switch (-length) {
      case 0 -> UNMOUNTED;
      case EINTR, Errno.EAGAIN -> AGAIN;
      default -> throw new IOException("reading /dev/fuse: errno " + -length);
    };
  }

  /** Has libfuse carry it out and answer it. */
  void process(Pointer session, int length) {
    library.fuse_session_process(session, address, length, channel);
  }

  /** Whether it removes a file. */
  boolean isUnlink() {
    return opcode == UNLINK;
  }

  /** Gives the room back. */
  void free() {
    LibC.INSTANCE.free(allocated);
  }
}
