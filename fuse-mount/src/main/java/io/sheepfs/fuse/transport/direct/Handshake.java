package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.direct.FuseAbi.InHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.InitFlag;
import io.sheepfs.fuse.transport.direct.FuseAbi.InitIn;
import io.sheepfs.fuse.transport.direct.FuseAbi.InitOut;
import io.sheepfs.fuse.transport.direct.FuseAbi.OutHeader;
import java.io.IOException;
import java.nio.ByteBuffer;

/**
 * The INIT exchange that opens a session: what the kernel offers, and what we take of it. Nothing
 * else arrives before it is answered.
 *
 * @param minor the protocol version both sides speak, after the 7
 * @param flags the {@link InitFlag}s both sides agreed on
 */
record Handshake(int minor, int flags) {

  /** The largest READ and WRITE, in bytes. */
  static final int MAX_REQUEST_BYTES = 1 << 20;

  private static final int MAX_PAGES = 256;
  private static final short MAX_BACKGROUND = 64;
  private static final short CONGESTION_THRESHOLD = 48;

  private static final int WANTED =
      InitFlag.ASYNC_READ
          | InitFlag.ATOMIC_O_TRUNC
          | InitFlag.BIG_WRITES
          | InitFlag.DONT_MASK
          | InitFlag.AUTO_INVAL_DATA
          | InitFlag.DO_READDIRPLUS
          | InitFlag.READDIRPLUS_AUTO
          | InitFlag.ASYNC_DIO
          | InitFlag.PARALLEL_DIROPS
          | InitFlag.MAX_PAGES;

  /**
   * Answers the kernel's INIT.
   *
   * @param buffer holds the request; the reply is written over it
   * @param writeback whether to ask for the write-back cache
   * @throws IOException if the kernel speaks nothing that we do; it was told so
   */
  static Handshake answer(int descriptor, long address, ByteBuffer buffer, boolean writeback)
      throws IOException {
    int opcode = buffer.getInt(InHeader.OPCODE);
    long unique = buffer.getLong(InHeader.UNIQUE);
    int major = buffer.getInt(InHeader.SIZE + InitIn.MAJOR);
    int minor = buffer.getInt(InHeader.SIZE + InitIn.MINOR);
    if (opcode != FuseAbi.Opcode.INIT
        || major != FuseAbi.KERNEL_VERSION
        || minor < FuseAbi.OLDEST_MINOR_VERSION) {
      reply(descriptor, address, buffer, unique, -LibC.EPROTO, 0);
      throw new IOException(
          "the kernel speaks FUSE "
              + major
              + "."
              + minor
              + "; this transport needs 7."
              + FuseAbi.OLDEST_MINOR_VERSION
              + " (Linux 5.4). Use --transport jnr");
    }
    int readahead = buffer.getInt(InHeader.SIZE + InitIn.MAX_READAHEAD);
    int offered = buffer.getInt(InHeader.SIZE + InitIn.FLAGS);
    int flags = offered & (WANTED | (writeback ? InitFlag.WRITEBACK_CACHE : 0));
    int spoken = Math.min(minor, FuseAbi.KERNEL_MINOR_VERSION);
    int out = OutHeader.SIZE;
    for (int i = 0; i < InitOut.SIZE; i += Long.BYTES) {
      buffer.putLong(out + i, 0);
    }
    buffer.putInt(out + InitOut.MAJOR, FuseAbi.KERNEL_VERSION);
    buffer.putInt(out + InitOut.MINOR, spoken);
    buffer.putInt(out + InitOut.MAX_READAHEAD, Math.max(readahead, MAX_REQUEST_BYTES));
    buffer.putInt(out + InitOut.FLAGS, flags);
    buffer.putShort(out + InitOut.MAX_BACKGROUND, MAX_BACKGROUND);
    buffer.putShort(out + InitOut.CONGESTION_THRESHOLD, CONGESTION_THRESHOLD);
    buffer.putInt(out + InitOut.MAX_WRITE, MAX_REQUEST_BYTES);
    buffer.putInt(out + InitOut.TIME_GRAN, 1);
    buffer.putShort(out + InitOut.MAX_PAGES, (short) MAX_PAGES);
    reply(descriptor, address, buffer, unique, 0, InitOut.SIZE);
    return new Handshake(spoken, flags);
  }

  private static void reply(
      int descriptor, long address, ByteBuffer buffer, long unique, int error, int length)
      throws IOException {
    buffer.putInt(OutHeader.LEN, OutHeader.SIZE + length);
    buffer.putInt(OutHeader.ERROR, error);
    buffer.putLong(OutHeader.UNIQUE, unique);
    FuseDevice.write(descriptor, address, OutHeader.SIZE + length);
  }
}
