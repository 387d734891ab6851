package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.LibC;
import io.sheepfs.fuse.transport.direct.FuseAbi.InHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.OutHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.WriteIn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One worker's request and reply. Both buffers are laid out so that what is large lies at a page
 * boundary, ready for direct I/O:
 *
 * <pre>
 *   request: ... | InHeader (40) | arguments (40 for WRITE) | payload of a WRITE
 *   reply:               ... | OutHeader (16) | result, or payload of a READ
 *                                             ^ 4096
 * </pre>
 *
 * <p>For one thread at a time.
 */
final class Message {

  private static final int PAGE = 4096;
  private static final int REQUEST_START = PAGE - InHeader.SIZE - WriteIn.SIZE;
  private static final int ARGUMENTS = REQUEST_START + InHeader.SIZE;
  private static final int REPLY_START = PAGE - OutHeader.SIZE;
  private static final int BUFFER_BYTES = PAGE + Handshake.MAX_REQUEST_BYTES + PAGE;

  private final ByteBuffer request;
  private final ByteBuffer reply;
  private final ByteBuffer requestPayload;
  private final ByteBuffer replyPayload;
  private final ByteBuffer result;
  private final long requestAddress;
  private final long replyAddress;

  private int length;

  Message() {
    request = FuseDevice.pageAligned(BUFFER_BYTES);
    reply = FuseDevice.pageAligned(BUFFER_BYTES);
    requestPayload = request.slice(PAGE, BUFFER_BYTES - PAGE);
    replyPayload = reply.slice(PAGE, BUFFER_BYTES - PAGE);
    result = reply.slice(PAGE, BUFFER_BYTES - PAGE).order(ByteOrder.nativeOrder());
    requestAddress = LibC.address(request);
    replyAddress = LibC.address(reply);
  }

  /** Gives the memory back. The message must not be used after that. */
  void free() {
    FuseDevice.free(request);
    FuseDevice.free(reply);
  }

  /**
   * Waits for the next request.
   *
   * @return as {@link FuseDevice#read} does
   */
  int receive(int descriptor) throws IOException {
    int read =
        FuseDevice.read(descriptor, requestAddress + REQUEST_START, BUFFER_BYTES - REQUEST_START);
    if (read > 0) {
      length = read;
      if (read < InHeader.SIZE || read != request.getInt(REQUEST_START + InHeader.LEN)) {
        throw new IOException("the kernel sent a request of " + read + " bytes");
      }
    }
    return read;
  }

  int opcode() {
    return request.getInt(REQUEST_START + InHeader.OPCODE);
  }

  long nodeId() {
    return request.getLong(REQUEST_START + InHeader.NODEID);
  }

  int uid() {
    return request.getInt(REQUEST_START + InHeader.UID);
  }

  int gid() {
    return request.getInt(REQUEST_START + InHeader.GID);
  }

  int argInt(int offset) {
    return request.getInt(ARGUMENTS + offset);
  }

  long argLong(int offset) {
    return request.getLong(ARGUMENTS + offset);
  }

  /** The NUL-terminated name that starts {@code offset} bytes into the arguments. */
  String argName(int offset) throws IOException {
    int start = ARGUMENTS + offset;
    int end = nameEnd(start);
    byte[] bytes = new byte[end - start];
    request.get(start, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Where, in the arguments, the name that starts at {@code offset} is followed by more. */
  int afterName(int offset) throws IOException {
    return nameEnd(ARGUMENTS + offset) + 1 - ARGUMENTS;
  }

  private int nameEnd(int start) throws IOException {
    int limit = REQUEST_START + length;
    for (int at = start; at < limit; at++) {
      if (request.get(at) == 0) {
        return at;
      }
    }
    throw new IOException("the kernel sent a name without an end");
  }

  /** The bytes of the request from {@code offset} in the arguments on. */
  byte[] argBytes(int offset, int count) throws IOException {
    if (count < 0 || ARGUMENTS + offset + count > REQUEST_START + length) {
      throw new IOException("the kernel promised more bytes than it sent");
    }
    byte[] bytes = new byte[count];
    request.get(ARGUMENTS + offset, bytes);
    return bytes;
  }

  /** What a WRITE carries: the same buffer each time, valid until the next request. */
  ByteBuffer writePayload() throws IOException {
    int size = argInt(WriteIn.SIZE_FIELD);
    if (size < 0 || size != length - InHeader.SIZE - WriteIn.SIZE) {
      throw new IOException("the kernel sent a WRITE whose length is not that of its payload");
    }
    return requestPayload.clear().limit(size);
  }

  /** Where the result goes: the same buffer each time, with room for {@code size} bytes. */
  ByteBuffer replyPayload(int size) throws IOException {
    if (size < 0 || size > Handshake.MAX_REQUEST_BYTES) {
      throw new IOException("the kernel asked for " + size + " bytes at once");
    }
    return replyPayload.clear().limit(size);
  }

  /** The result area, for absolute puts in native order; its first {@code size} bytes are zero. */
  ByteBuffer result(int size) {
    for (int at = 0; at < size; at += Long.BYTES) {
      reply.putLong(PAGE + at, 0);
    }
    return result;
  }

  /** Sends the first {@code size} bytes of the result. */
  void replyOk(int descriptor, int size) throws IOException {
    send(descriptor, 0, size);
  }

  /** Sends an error: a positive errno. */
  void replyError(int descriptor, int errno) throws IOException {
    send(descriptor, -errno, 0);
  }

  private void send(int descriptor, int error, int size) throws IOException {
    reply.putInt(REPLY_START + OutHeader.LEN, OutHeader.SIZE + size);
    reply.putInt(REPLY_START + OutHeader.ERROR, error);
    reply.putLong(REPLY_START + OutHeader.UNIQUE, request.getLong(REQUEST_START + InHeader.UNIQUE));
    FuseDevice.write(descriptor, replyAddress + REPLY_START, OutHeader.SIZE + size);
  }
}
