package io.sheepfs.fuse.transport.direct;

import io.sheepfs.fuse.transport.LibC;
import io.sheepfs.fuse.transport.direct.FuseAbi.InHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.OutHeader;
import io.sheepfs.fuse.transport.direct.FuseAbi.WriteIn;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.IntConsumer;

/**
 * A message read from {@code /dev/fuse} and answered by a write to it.
 *
 * <pre>
 *   request: ... | InHeader (40) | arguments (40 for WRITE) | payload of a WRITE
 *   reply:               ... | OutHeader (16) | result, or payload of a READ
 *                                             ^ 4096
 * </pre>
 */
final class DeviceMessage extends Message {

  private static final int REQUEST_START = PAGE - InHeader.SIZE - WriteIn.SIZE;
  private static final int ARGUMENTS = REQUEST_START + InHeader.SIZE;
  private static final int REPLY_START = PAGE - OutHeader.SIZE;
  private static final int BUFFER_BYTES = PAGE + Handshake.MAX_REQUEST_BYTES + PAGE;

  private final int descriptor;
  private final IntConsumer closeDescriptor;
  private final ByteBuffer request;
  private final ByteBuffer reply;
  private final long requestAddress;
  private final long replyAddress;

  private int length;

  /**
   * Makes a message.
   *
   * @param closeDescriptor what {@link #free} does with the descriptor
   */
  DeviceMessage(int descriptor, IntConsumer closeDescriptor) {
    this(
        descriptor,
        closeDescriptor,
        FuseDevice.pageAligned(BUFFER_BYTES),
        FuseDevice.pageAligned(BUFFER_BYTES));
  }

  private DeviceMessage(
      int descriptor, IntConsumer closeDescriptor, ByteBuffer request, ByteBuffer reply) {
    super(
        request,
        REQUEST_START,
        ARGUMENTS,
        request.slice(PAGE, BUFFER_BYTES - PAGE),
        reply.slice(PAGE, BUFFER_BYTES - PAGE));
    this.descriptor = descriptor;
    this.closeDescriptor = closeDescriptor;
    this.request = request;
    this.reply = reply;
    this.requestAddress = LibC.address(request);
    this.replyAddress = LibC.address(reply);
  }

  @Override
  void free() {
    closeDescriptor.accept(descriptor);
    FuseDevice.free(request);
    FuseDevice.free(reply);
  }

  @Override
  int receive() throws IOException {
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

  @Override
  void reply(int error, int size) throws IOException {
    reply.putInt(REPLY_START + OutHeader.LEN, OutHeader.SIZE + size);
    reply.putInt(REPLY_START + OutHeader.ERROR, -error);
    reply.putLong(REPLY_START + OutHeader.UNIQUE, unique());
    FuseDevice.write(descriptor, replyAddress + REPLY_START, OutHeader.SIZE + size);
  }

  @Override
  ByteBuffer tail() {
    return request;
  }

  @Override
  int follows(int argumentBytes) {
    return ARGUMENTS + argumentBytes;
  }

  @Override
  int tailEnd() {
    return REQUEST_START + length;
  }
}
