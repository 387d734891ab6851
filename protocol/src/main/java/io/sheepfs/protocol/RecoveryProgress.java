package io.sheepfs.protocol;

import java.nio.ByteBuffer;

/**
 * The answer to STAT_RECOVERY ({@code recovery_state}): 24 bytes.
 *
 * <pre>
 *   0 +-------------------------+
 *     | in_recovery        (u8) |
 *   1 | pad                 (3) |
 *   4 | state             (u32) |  0 listing objects, 1 recovering, 2 notifying
 *   8 | nr_finished       (u64) |
 *  16 | nr_total          (u64) |
 *  24 +-------------------------+
 * </pre>
 */
public record RecoveryProgress(boolean running, int phase, long finished, long total) {

  /** Bytes of a record. */
  public static final int SIZE_BYTES = 24;

  private static final int IN_RECOVERY = 0;
  private static final int STATE = 4;
  private static final int FINISHED = 8;
  private static final int TOTAL = 16;

  /** Reads a record from {@code source}'s position on. */
  public static RecoveryProgress decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    return new RecoveryProgress(
        WireBytes.bool(bytes, IN_RECOVERY),
        bytes.getInt(STATE),
        bytes.getLong(FINISHED),
        bytes.getLong(TOTAL));
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    WireBytes.putBool(bytes, IN_RECOVERY, running);
    bytes.putInt(STATE, phase);
    bytes.putLong(FINISHED, finished);
    bytes.putLong(TOTAL, total);
    return bytes;
  }
}
