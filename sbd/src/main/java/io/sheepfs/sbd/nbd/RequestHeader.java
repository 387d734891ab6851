package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;

/**
 * The head of a request, not judged yet.
 *
 * @param command a number that may be no command
 * @param offset not negative in what we accept, though unsigned on the wire
 * @param length unsigned
 */
record RequestHeader(int magic, int flags, int command, long cookie, long offset, long length) {

  static RequestHeader decode(ByteBuf in) {
    return new RequestHeader(
        in.readInt(),
        in.readUnsignedShort(),
        in.readUnsignedShort(),
        in.readLong(),
        in.readLong(),
        in.readUnsignedInt());
  }

  /** Whether all of it lies inside of {@code sizeBytes}. */
  boolean isInside(long sizeBytes) {
    return offset >= 0 && offset <= sizeBytes && length <= sizeBytes - offset;
  }
}
