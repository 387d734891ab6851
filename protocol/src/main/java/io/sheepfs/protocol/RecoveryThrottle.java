package io.sheepfs.protocol;

import java.nio.ByteBuffer;

/**
 * What GET_RECOVERY answers and SET_RECOVERY takes ({@code recovery_throttling}): 24 bytes.
 *
 * <pre>
 *   0 +-------------------------+
 *     | max_exec_count    (u32) |  objects in one interval
 *   4 | pad                 (4) |
 *   8 | queue_work_interval(u64)|  milliseconds
 *  16 | throttling         (u8) |
 *  17 | pad                 (7) |
 *  24 +-------------------------+
 * </pre>
 */
public record RecoveryThrottle(int maxObjects, long intervalMillis, boolean enabled) {

  /** Bytes of a record. */
  public static final int SIZE_BYTES = 24;

  private static final int MAX = 0;
  private static final int INTERVAL = 8;
  private static final int ENABLED = 16;

  /** Reads a record from {@code source}'s position on. */
  public static RecoveryThrottle decode(ByteBuffer source) {
    ByteBuffer bytes = WireBytes.take(source, SIZE_BYTES);
    return new RecoveryThrottle(
        bytes.getInt(MAX), bytes.getLong(INTERVAL), WireBytes.bool(bytes, ENABLED));
  }

  /** A new buffer with the {@link #SIZE_BYTES} bytes. */
  public ByteBuffer encode() {
    ByteBuffer bytes = WireBytes.allocate(SIZE_BYTES);
    bytes.putInt(MAX, maxObjects);
    bytes.putLong(INTERVAL, intervalMillis);
    WireBytes.putBool(bytes, ENABLED, enabled);
    return bytes;
  }
}
