package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.fuse.transport.direct.FuseAbi.InitFlag;
import io.sheepfs.fuse.transport.direct.FuseAbi.InitFlag2;
import io.sheepfs.fuse.transport.direct.FuseAbi.InitIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.InitOut;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The INIT exchange that opens a session: what the kernel offers, and what we take of it. Nothing
 * else arrives before it is answered.
 *
 * @param minor the protocol version both sides speak, after the 7
 * @param flags the {@link InitFlag}s both sides agreed on
 * @param flags2 the {@link InitFlag2}s both sides agreed on
 */
record Handshake(int minor, int flags, int flags2) {

  /** The largest READ and WRITE, in bytes. */
  static final int MAX_REQUEST_BYTES = 1 << 20;

  private static final int MAX_PAGES = 256;
  private static final short MAX_BACKGROUND = 64;
  private static final short CONGESTION_THRESHOLD = 48;

  /** Since Linux 6.6 a write past the page cache drops what the cache has of the range. */
  private static final int DIRECT_WRITES_INVALIDATE_MINOR = 39;

  private static final int WANTED =
      InitFlag.ASYNC_READ
          | InitFlag.ATOMIC_O_TRUNC
          | InitFlag.BIG_WRITES
          | InitFlag.DONT_MASK
          | InitFlag.DO_READDIRPLUS
          | InitFlag.READDIRPLUS_AUTO
          | InitFlag.ASYNC_DIO
          | InitFlag.PARALLEL_DIROPS
          | InitFlag.MAX_PAGES
          // No file of ours has privileges that a write would have to end. Without this the kernel
          // asks for them, by a GETXATTR, before each write.
          | InitFlag.HANDLE_KILLPRIV_V2;

  /**
   * Answers the kernel's INIT.
   *
   * @param message holds the request
   * @param writeback whether to ask for the write-back cache
   * @param rings whether to ask for requests over io_uring
   * @throws IOException if the kernel speaks nothing that we do; it was told so
   */
  static Handshake answer(Message message, boolean writeback, boolean rings) throws IOException {
    int major = message.argInt(InitIn.MAJOR);
    int minor = message.argInt(InitIn.MINOR);
    if (message.opcode() != FuseAbi.Opcode.INIT
        || major != FuseAbi.KERNEL_VERSION
        || minor < FuseAbi.OLDEST_MINOR_VERSION) {
      message.reply(Errno.EPROTO, 0);
      throw new IOException(
          "the kernel speaks FUSE "
              + major
              + "."
              + minor
              + "; this transport needs 7."
              + FuseAbi.OLDEST_MINOR_VERSION
              + " (Linux 5.4). Use --transport jnr");
    }
    // Else each write through us would cost all cached pages of its file, for the new mtime; what
    // others write is for KernelCache.
    int inval = minor < DIRECT_WRITES_INVALIDATE_MINOR ? InitFlag.AUTO_INVAL_DATA : 0;
    int wanted =
        WANTED
            | inval
            | (writeback ? InitFlag.WRITEBACK_CACHE : 0)
            | (rings ? InitFlag.INIT_EXT : 0);
    int flags = message.argInt(InitIn.FLAGS) & wanted;
    int flags2 =
        (flags & InitFlag.INIT_EXT) == 0
            ? 0
            : message.argInt(InitIn.FLAGS2) & InitFlag2.OVER_IO_URING;
    int spoken = Math.min(minor, FuseAbi.KERNEL_MINOR_VERSION);
    ByteBuffer out = message.result(InitOut.SIZE);
    out.putInt(InitOut.MAJOR, FuseAbi.KERNEL_VERSION);
    out.putInt(InitOut.MINOR, spoken);
    out.putInt(
        InitOut.MAX_READAHEAD, Math.max(message.argInt(InitIn.MAX_READAHEAD), MAX_REQUEST_BYTES));
    out.putInt(InitOut.FLAGS, flags);
    out.putShort(InitOut.MAX_BACKGROUND, MAX_BACKGROUND);
    out.putShort(InitOut.CONGESTION_THRESHOLD, CONGESTION_THRESHOLD);
    out.putInt(InitOut.MAX_WRITE, MAX_REQUEST_BYTES);
    out.putInt(InitOut.TIME_GRAN, 1);
    out.putShort(InitOut.MAX_PAGES, (short) MAX_PAGES);
    out.putInt(InitOut.FLAGS2, flags2);
    message.reply(0, InitOut.SIZE);
    return new Handshake(spoken, flags, flags2);
  }

  /** Whether requests may come over io_uring. */
  boolean rings() {
    return (flags2 & InitFlag2.OVER_IO_URING) != 0;
  }
}
