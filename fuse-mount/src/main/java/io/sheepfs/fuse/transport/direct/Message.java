package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.Errno;
import io.sheepfs.fuse.transport.direct.FuseAbi.InHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.WriteIn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One worker's request and reply: a header, the arguments of the opcode, what follows them (names,
 * or the payload of a WRITE), and room for the result. What is large lies at a page boundary, ready
 * for direct I/O. Where the parts lie, and how they come and go, differs with the way to the
 * kernel.
 *
 * <p>Names and payload of the request are gone once the result is begun: they may share its memory.
 * For one thread at a time.
 */
abstract class Message {

  static final int PAGE = 4096;

  private final ByteBuffer head;
  private final int header;
  private final int arguments;
  private final ByteBuffer requestPayload;
  private final ByteBuffer replyPayload;
  private final ByteBuffer result;

  /**
   * Makes a message over memory of its own.
   *
   * @param head holds header and arguments, in native order
   * @param header where the {@link InHeader} begins in it
   * @param arguments where the arguments begin in it
   * @param requestPayload where a WRITE's payload comes, from its first byte
   * @param reply where a result goes, from its first byte
   */
  Message(ByteBuffer head, int header, int arguments, ByteBuffer requestPayload, ByteBuffer reply) {
    this.head = head;
    this.header = header;
    this.arguments = arguments;
    this.requestPayload = requestPayload;
    this.replyPayload = reply.duplicate();
    this.result = reply.duplicate().order(ByteOrder.nativeOrder());
  }

  /**
   * Waits for the next request.
   *
   * @return its length in bytes, {@link FuseDevice#AGAIN} or {@link FuseDevice#UNMOUNTED}
   * @throws IOException if the session is broken
   */
  abstract int receive() throws IOException;

  /** Gives the memory, and the way to the kernel, back. The message must not be used after that. */
  abstract void free();

  /** Answers with {@code -error} and the first {@code size} bytes of the result. */
  abstract void reply(int error, int size) throws IOException;

  /**
   * The name that follows the arguments.
   *
   * @param argumentBytes the size of the arguments
   */
  final String name(int argumentBytes) throws IOException {
    int start = follows(argumentBytes);
    return text(start, nameEnd(start));
  }

  /** The name that follows the first one. */
  final String secondName(int argumentBytes) throws IOException {
    int start = nameEnd(follows(argumentBytes)) + 1;
    return text(start, nameEnd(start));
  }

  /** The buffer that holds what follows the arguments. */
  abstract ByteBuffer tail();

  /** Where in {@link #tail} it begins. */
  abstract int follows(int argumentBytes);

  /** Where in {@link #tail} the request ends. */
  abstract int tailEnd();

  private int nameEnd(int start) throws IOException {
    ByteBuffer tail = tail();
    int limit = tailEnd();
    for (int at = start; at < limit; at++) {
      if (tail.get(at) == 0) {
        return at;
      }
    }
    throw new Refusal(Errno.EINVAL, "the kernel sent a name without an end");
  }

  private String text(int start, int end) {
    byte[] bytes = new byte[end - start];
    tail().get(start, bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  final int opcode() {
    return head.getInt(header + InHeader.OPCODE);
  }

  final long unique() {
    return head.getLong(header + InHeader.UNIQUE);
  }

  final long nodeId() {
    return head.getLong(header + InHeader.NODEID);
  }

  final int argInt(int offset) {
    return head.getInt(arguments + offset);
  }

  final long argLong(int offset) {
    return head.getLong(arguments + offset);
  }

  /** What a WRITE carries: the same buffer each time, valid until the next request. */
  final ByteBuffer writePayload() throws IOException {
    int size = argInt(WriteIn.SIZE_FIELD);
    if (size < 0 || size != tailEnd() - follows(WriteIn.SIZE)) {
      throw new Refusal(
          Errno.EINVAL, "the kernel sent a WRITE whose length is not that of its payload");
    }
    return requestPayload.clear().limit(size);
  }

  /** Where the result goes: the same buffer each time, with room for {@code size} bytes. */
  final ByteBuffer replyPayload(int size) throws IOException {
    if (size < 0 || size > Handshake.MAX_REQUEST_BYTES) {
      throw new Refusal(Errno.EINVAL, "the kernel asked for " + size + " bytes at once");
    }
    return replyPayload.clear().limit(size);
  }

  /** The result area, for absolute puts in native order; its first {@code size} bytes are zero. */
  final ByteBuffer result(int size) {
    for (int at = 0; at < size; at += Long.BYTES) {
      result.putLong(at, 0);
    }
    return result;
  }
}
