package io.sheepfs.sbd.nbd;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.channel.AdaptiveRecvByteBufAllocator;
import io.netty.channel.RecvByteBufAllocator;
import io.netty.util.UncheckedBooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets the socket be read straight into the payload of the write that is arriving: only what came
 * together with its head is copied. The channel then hands that very buffer on as what it has read.
 *
 * <p>One for each connection, and in place before its first read: a channel asks for a handle once.
 * Confined to its event loop.
 */
@SuppressWarnings("deprecation") // the interface itself still speaks of the old type
final class PayloadReceiver implements RecvByteBufAllocator {

  /** For less than this, a read that may bring the next requests, too, is worth more. */
  private static final int WORTHWHILE_BYTES = 1 << 15;

  private final AdaptiveRecvByteBufAllocator usual = new AdaptiveRecvByteBufAllocator();
  private @Nullable ByteBuf target;

  /**
   * Says where the next bytes belong.
   *
   * @param payload a buffer whose capacity ends with the payload; null for no such place
   */
  void setTarget(@Nullable ByteBuf payload) {
    target = payload;
  }

  @Override
  public Handle newHandle() {
    return new TargetHandle(usual.newHandle());
  }

  private final class TargetHandle extends DelegatingHandle implements ExtendedHandle {

    TargetHandle(Handle delegate) {
      super(delegate);
    }

    @Override
    public ByteBuf allocate(ByteBufAllocator allocator) {
      ByteBuf payload = target;
      return payload != null && payload.writableBytes() >= WORTHWHILE_BYTES
          ? payload.retain()
          : super.allocate(allocator);
    }

    @Override
    public boolean continueReading(UncheckedBooleanSupplier maybeMoreData) {
      return ((ExtendedHandle) delegate()).continueReading(maybeMoreData);
    }
  }
}
