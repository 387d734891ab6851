package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;

/** Makes nonsense of messages, the same for the same seed. */
public final class FrameMutator {

  private static final int LENGTH_AT = 12;
  private static final int[] LENGTHS = {
    0, 1, 47, 48, 512, 4096, 1 << 16, (1 << 18) - 1, (1 << 18) + 1, Integer.MAX_VALUE, -1
  };

  private final Random random;

  /** A mutator. */
  public FrameMutator(Random random) {
    this.random = random;
  }

  /** A message as it came over the wire; of a body over the limit, what was recorded. */
  public static byte[] frame(RecordedMessage message, int maxBodyBytes) {
    byte[] body = message.bodyLength() > maxBodyBytes ? message.body() : message.paddedBody();
    byte[] all = Arrays.copyOf(message.header(), message.header().length + body.length);
    System.arraycopy(body, 0, all, message.header().length, body.length);
    return all;
  }

  /**
   * {@code frame} with up to three bytes changed, mostly in the header, and now and then another
   * length in it, or the end cut off. One in four stays as it is.
   */
  public byte[] mutated(byte[] frame) {
    byte[] all = frame.clone();
    for (int flips = random.nextInt(4); flips > 0; flips--) {
      int bound = random.nextInt(3) == 0 ? all.length : Math.min(all.length, 48);
      all[random.nextInt(bound)] = (byte) random.nextInt(256);
    }
    if (random.nextInt(40) == 0 && all.length >= HeaderLayout.SIZE_BYTES) {
      ByteBuffer.wrap(all)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putInt(LENGTH_AT, LENGTHS[random.nextInt(LENGTHS.length)]);
    }
    return random.nextInt(50) == 0 ? Arrays.copyOf(all, 1 + random.nextInt(all.length)) : all;
  }
}
