package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;
import io.sheepfs.protocol.SheepException;
import io.sheepfs.telemetry.RequestEvent;
import io.sheepfs.telemetry.SlowRequests;
import io.sheepfs.telemetry.Stage;
import io.sheepfs.volume.Volume;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * One request: what the client asked, the memory it was given, and, once it ran, the answer. Handed
 * from the event loop to a worker and back; never used by both at a time.
 */
final class Request implements Runnable {

  private static final int ZERO_BYTES = 1 << 20;
  private static final ByteBuffer ZEROS = ByteBuffer.allocateDirect(ZERO_BYTES).asReadOnlyBuffer();
  private static final int PREFETCH_BYTES = 1 << 20;

  final Command command;
  final int flags;
  final long cookie;
  final long offset;
  final long length;

  /** What it takes of the budgets. */
  final long bytes;

  private final Transmission connection;

  /** The data of a write. */
  private final @Nullable ByteBuf payload;

  private final long begun = Stage.begin();

  private NbdError error;
  private @Nullable ByteBuf reply;

  Request(
      Transmission connection,
      RequestHeader header,
      Command command,
      long bytes,
      @Nullable ByteBuf payload) {
    this.connection = connection;
    this.command = command;
    this.flags = header.flags();
    this.cookie = header.cookie();
    this.offset = header.offset();
    this.length = header.length();
    this.bytes = bytes;
    this.payload = payload;
    this.error = NbdError.IO;
  }

  /** What the client is told; {@link NbdError#IO} until it ran. */
  NbdError error() {
    return error;
  }

  /** The whole answer, if there is more to say than the error; to be released by the caller. */
  @Nullable ByteBuf takeReply() {
    ByteBuf taken = reply;
    reply = null;
    return taken;
  }

  /** Where the bytes of a write go that are still to come. */
  @Nullable ByteBuf payload() {
    return payload;
  }

  /** In a worker. Whatever happens, it is answered. */
  @Override
  public void run() {
    SlowRequests.begin();
    RequestEvent event = RequestEvent.started();
    try {
      execute(connection.attachment().volume());
      error = NbdError.NONE;
    } catch (FastZeroException e) {
      error = NbdError.NOT_SUPPORTED;
    } catch (IOException e) {
      error = NbdError.of(e);
      connection.failed(this, e);
      if (connection.answersInChunks(command)) {
        reply = connection.replies().error(cookie, error, String.valueOf(e.getMessage()));
      }
    } finally {
      Stage stage = stage();
      event.ended(stage);
      long nanos = stage.end(begun);
      if (SlowRequests.isSlow(nanos)) {
        SlowRequests.tell(stage, nanos, this::text);
      }
      connection.ran(this);
    }
  }

  private String text() {
    return command
        + " of "
        + length
        + " bytes at "
        + offset
        + " of "
        + connection.attachment().name();
  }

  private Stage stage() {
    return switch (command) {
      case READ -> Stage.NBD_READ;
      case WRITE -> Stage.NBD_WRITE;
      case FLUSH -> Stage.NBD_FLUSH;
      default -> Stage.NBD_OTHER;
    };
  }

  void releasePayload() {
    if (payload != null) {
      payload.release();
    }
  }

  /** Zeroes cannot be written faster than any other data. */
  private static final class FastZeroException extends IOException {
    private static final long serialVersionUID = 1L;
  }

  private void execute(Volume volume) throws IOException {
    switch (command) {
      case READ ->
          reply =
              connection
                  .replies()
                  .read(volume, cookie, offset, (int) length, has(Wire.DONT_FRAGMENT));
      case WRITE -> {
        if (payload == null) {
          throw new IllegalStateException("a write without data");
        }
        volume.write(offset, payload.nioBuffer());
      }
      case FLUSH -> flush(volume);
      case TRIM -> volume.discard(offset, length);
      case CACHE -> prefetch(volume);
      case WRITE_ZEROES -> writeZeroes(volume);
      case BLOCK_STATUS ->
          reply =
              connection.replies().blockStatus(volume, cookie, offset, length, has(Wire.REQ_ONE));
      case DISCONNECT -> throw new IllegalStateException("it has no answer");
    }
    if (command.isChanging() && has(Wire.FUA)) {
      flush(volume);
    }
  }

  private boolean has(int flag) {
    return (flags & flag) != 0;
  }

  /** What is not dirty was flushed by somebody: all connections share the volume. */
  private static void flush(Volume volume) throws SheepException {
    if (volume.isDirty()) {
      volume.flush();
    }
  }

  private void writeZeroes(Volume volume) throws IOException {
    if (!has(Wire.NO_HOLE)) {
      volume.discard(offset, length);
      return;
    }
    if (has(Wire.FAST_ZERO)) {
      throw new FastZeroException();
    }
    for (long done = 0; done < length; ) {
      int piece = (int) Math.min(ZERO_BYTES, length - done);
      volume.write(offset + done, ZEROS.slice(0, piece));
      done += piece;
    }
  }

  /** Reads what is allocated, for the caches on the way to keep it. */
  private void prefetch(Volume volume) throws IOException {
    ByteBuffer scratch = ByteBuffer.allocate((int) Math.min(PREFETCH_BYTES, length));
    long end = offset + length;
    long at = volume.nextData(offset);
    while (at >= 0 && at < end && !connection.isGone()) {
      scratch.clear().limit((int) Math.min(scratch.capacity(), end - at));
      int count = volume.read(at, scratch);
      at = count == 0 ? -1 : volume.nextData(at + count);
    }
  }
}
