package io.sheepfs.protocol;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The bodies of {@link Opcode#CACHE_COMMAND}: text in UTF-8. The command is padded with spaces to
 * {@link #SIZE_BYTES}, since the length of what is sent bounds what is answered.
 */
public final class CacheCommand {

  /** The length of a command, padded, and the most that an answer has. */
  public static final int SIZE_BYTES = 512;

  private CacheCommand() {}

  /**
   * The body of a request.
   *
   * @throws IllegalArgumentException if the command is too long
   */
  public static ByteBuffer encode(String command) {
    byte[] text = command.getBytes(StandardCharsets.UTF_8);
    if (text.length > SIZE_BYTES) {
      throw new IllegalArgumentException("a command of " + text.length + " bytes");
    }
    byte[] body = Arrays.copyOf(text, SIZE_BYTES);
    Arrays.fill(body, text.length, SIZE_BYTES, (byte) ' ');
    return ByteBuffer.wrap(body);
  }

  /** The text of a body, from position to limit, without what pads it. */
  public static String decode(ByteBuffer body) {
    return StandardCharsets.UTF_8.decode(body.duplicate()).toString().strip();
  }
}
