package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.LibC;
import io.sheepfs.fuse.transport.direct.FuseAbi.OutHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.UringCommand;
import io.sheepfs.fuse.transport.direct.FuseAbi.UringHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.UringRequest;
import java.io.IOException;
import java.nio.ByteBuffer;
import jnr.constants.platform.Errno;

/**
 * A message that the kernel puts right into our memory and takes out of it again: an entry of a
 * queue of FUSE over io_uring. The reply to one request and the wait for the next are one system
 * call.
 *
 * <pre>
 *   head:    InHeader or OutHeader (128) | arguments (128) | entry: commit id, payload size (32)
 *   payload: what follows the arguments, then the result
 * </pre>
 */
final class RingMessage extends Message {

  private static final int ENOTCONN = 107;
  private static final int IOVEC_BYTES = 16;

  private final int descriptor;
  private final int queue;
  private final IoUring ring;
  private final ByteBuffer head;
  private final ByteBuffer payload;
  private final ByteBuffer vectors;

  /** Whether the reply to a request lies in the memory, to be handed over with the next wait. */
  private boolean replied;

  /** Whether a request came while the entry was registered. */
  private boolean arrived;

  /**
   * Registers an entry. Its messages are for the calling thread alone.
   *
   * @param descriptor the session's
   * @param queue the number of the processor whose requests it serves
   * @throws IOException if the kernel does not take it
   */
  static RingMessage register(int descriptor, int queue) throws IOException {
    IoUring ring = new IoUring();
    RingMessage message =
        new RingMessage(
            descriptor,
            queue,
            ring,
            FuseDevice.pageAligned(PAGE),
            FuseDevice.pageAligned(Handshake.MAX_REQUEST_BYTES));
    boolean done = false;
    try {
      message.register();
      done = true;
      return message;
    } finally {
      if (!done) {
        message.free();
      }
    }
  }

  private RingMessage(
      int descriptor, int queue, IoUring ring, ByteBuffer head, ByteBuffer payload) {
    super(head, 0, UringHeader.OP_IN, payload.duplicate(), payload);
    this.descriptor = descriptor;
    this.queue = queue;
    this.ring = ring;
    this.head = head;
    this.payload = payload;
    this.vectors = head.slice(UringHeader.SIZE, 2 * IOVEC_BYTES).order(head.order());
  }

  private void register() throws IOException {
    vectors.putLong(0, LibC.address(head));
    vectors.putLong(8, UringHeader.SIZE);
    vectors.putLong(IOVEC_BYTES, LibC.address(payload));
    vectors.putLong(IOVEC_BYTES + 8, payload.capacity());
    ByteBuffer command = ring.command(descriptor, UringCommand.REGISTER, LibC.address(vectors), 2);
    command.putShort(IoUring.COMMAND + UringRequest.QID, (short) queue);
    ring.submit();
    // a refusal completes at once
    if (ring.isComplete()) {
      int result = ring.await();
      if (result < 0) {
        throw refused(result);
      }
      arrived = true;
    }
  }

  private static IOException refused(int result) {
    return new IOException(
        "the kernel takes no FUSE requests over io_uring: " + Errno.valueOf(-result).description());
  }

  @Override
  int receive() throws IOException {
    if (replied) {
      replied = false;
      ByteBuffer command = ring.command(descriptor, UringCommand.COMMIT_AND_FETCH, 0, 0);
      command.putLong(
          IoUring.COMMAND + UringRequest.COMMIT_ID,
          head.getLong(UringHeader.ENTRY + UringHeader.ENTRY_COMMIT_ID));
      command.putShort(IoUring.COMMAND + UringRequest.QID, (short) queue);
    }
    int result = arrived ? 0 : ring.await();
    arrived = false;
    if (result == -ENOTCONN) {
      return FuseDevice.UNMOUNTED;
    }
    if (result < 0) {
      throw refused(result);
    }
    return head.getInt(0);
  }

  @Override
  void reply(int error, int size) {
    long unique = unique();
    head.putInt(OutHeader.LEN, OutHeader.SIZE + size);
    head.putInt(OutHeader.ERROR, -error);
    head.putLong(OutHeader.UNIQUE, unique);
    head.putInt(UringHeader.ENTRY + UringHeader.ENTRY_PAYLOAD_SIZE, size);
    replied = true;
  }

  @Override
  ByteBuffer tail() {
    return payload;
  }

  @Override
  int follows(int argumentBytes) {
    return 0;
  }

  @Override
  int tailEnd() {
    return head.getInt(UringHeader.ENTRY + UringHeader.ENTRY_PAYLOAD_SIZE);
  }

  @Override
  void free() {
    ring.close();
    FuseDevice.free(head);
    FuseDevice.free(payload);
  }
}
