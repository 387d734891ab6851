package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.sheepfs.protocol.ResultCode;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Makes the answers that are more than an error number. Data is read into the buffer that is sent.
 * Safe for any number of threads.
 */
final class Replies {

  private static final int MAX_MESSAGE_BYTES = 512;
  private static final int EXTENT_BYTES = 2 * Integer.BYTES;

  private final ByteBufAllocator allocator;
  private final boolean structured;

  Replies(ByteBufAllocator allocator, boolean structured) {
    this.allocator = allocator;
    this.structured = structured;
  }

  /** An error that says why, in a chunk. */
  ByteBuf error(long cookie, NbdError error, String message) {
    byte[] text = message.getBytes(StandardCharsets.UTF_8);
    int count = Math.min(text.length, MAX_MESSAGE_BYTES);
    ByteBuf out = allocator.directBuffer(Wire.CHUNK_HEADER_BYTES + 6 + count);
    chunk(out, Wire.CHUNK_ERROR, true, cookie, Integer.BYTES + Short.BYTES + count);
    return out.writeInt(error.code()).writeShort(count).writeBytes(text, 0, count);
  }

  static void simple(ByteBuf out, long cookie, NbdError error) {
    out.writeInt(Wire.SIMPLE_REPLY_MAGIC).writeInt(error.code()).writeLong(cookie);
  }

  private static void chunk(ByteBuf out, int type, boolean last, long cookie, int length) {
    out.writeInt(Wire.CHUNK_MAGIC).writeShort(last ? Wire.CHUNK_DONE : 0).writeShort(type);
    out.writeLong(cookie).writeInt(length);
  }

  /**
   * The answer to a read.
   *
   * @param whole whether holes must come as zeros, in one piece with the data
   */
  ByteBuf read(Volume volume, long cookie, long offset, int length, boolean whole)
      throws IOException {
    if (!structured) {
      ByteBuf out = exactly(Wire.SIMPLE_REPLY_BYTES + length);
      simple(out, cookie, NbdError.NONE);
      return filled(out, volume, offset, length);
    }
    long end = offset + length;
    long firstHole = volume.nextHole(offset);
    if (length > 0 && (whole || firstHole < 0 || firstHole >= end)) {
      ByteBuf out = exactly(Wire.CHUNK_HEADER_BYTES + Long.BYTES + length);
      chunk(out, Wire.CHUNK_DATA, true, cookie, Long.BYTES + length);
      return filled(out.writeLong(offset), volume, offset, length);
    }
    return readWithHoles(volume, cookie, offset, end);
  }

  private ByteBuf exactly(int size) {
    return allocator.directBuffer(size, size);
  }

  private static ByteBuf filled(ByteBuf out, Volume volume, long offset, int length)
      throws IOException {
    boolean done = false;
    try {
      int start = out.writerIndex();
      if (volume.read(offset, out.nioBuffer(start, length)) < length) {
        throw new SheepException(ResultCode.EIO, "the VDI has shrunk; read at " + offset);
      }
      out.writerIndex(start + length);
      done = true;
      return out;
    } finally {
      if (!done) {
        out.release();
      }
    }
  }

  private ByteBuf readWithHoles(Volume volume, long cookie, long offset, long end)
      throws IOException {
    ByteBuf out = allocator.directBuffer();
    boolean done = false;
    try {
      for (long at = offset; at < end; ) {
        long data = volume.nextData(at);
        if (data < 0 || data >= end) {
          data = end;
        }
        if (data > at) {
          chunk(out, Wire.CHUNK_HOLE, false, cookie, Long.BYTES + Integer.BYTES);
          out.writeLong(at).writeInt((int) (data - at));
          at = data;
          continue;
        }
        long hole = volume.nextHole(at);
        int count = (int) ((hole < 0 ? end : Math.min(hole, end)) - at);
        chunk(out, Wire.CHUNK_DATA, false, cookie, Long.BYTES + count);
        out.writeLong(at).ensureWritable(count);
        out.retain();
        filled(out, volume, at, count).release();
        at += count;
      }
      chunk(out, Wire.CHUNK_NONE, true, cookie, 0);
      done = true;
      return out;
    } finally {
      if (!done) {
        out.release();
      }
    }
  }

  /** Which parts are holes, from the index; no more than was asked about. */
  ByteBuf blockStatus(Volume volume, long cookie, long offset, long length, boolean one)
      throws IOException {
    ByteBuf out = allocator.directBuffer(128);
    boolean done = false;
    try {
      int header = out.writerIndex();
      out.writeZero(Wire.CHUNK_HEADER_BYTES);
      out.writeInt(Wire.BASE_ALLOCATION_ID);
      long end = offset + length;
      long at = offset;
      do {
        long hole = volume.nextHole(at);
        boolean isHole = hole == at;
        long next = isHole ? volume.nextData(at) : hole;
        next = next < 0 || next > end ? end : next;
        // between the two looks a hole may have become data: never an extent of nothing
        next = Math.max(next, Math.min(end, at + 1));
        out.writeInt((int) (next - at)).writeInt(isHole ? Wire.STATE_HOLE | Wire.STATE_ZERO : 0);
        at = next;
      } while (at < end && !one);
      int written = out.writerIndex();
      out.writerIndex(header);
      int body = written - header - Wire.CHUNK_HEADER_BYTES;
      chunk(out, Wire.CHUNK_BLOCK_STATUS, true, cookie, body);
      out.writerIndex(written);
      done = true;
      return out;
    } finally {
      if (!done) {
        out.release();
      }
    }
  }

  /** The most bytes that the answer to a question for the status can have. */
  static long blockStatusBytes(long length, long objectBytes) {
    return 128 + EXTENT_BYTES * (length / objectBytes + 2);
  }
}
