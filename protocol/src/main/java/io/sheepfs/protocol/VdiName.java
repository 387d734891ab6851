package io.sheepfs.protocol;

import java.nio.charset.StandardCharsets;

/**
 * The name of a VDI: 1 to 255 bytes of UTF-8 that can also be a file name. No {@code /}, no NUL,
 * and not {@code .} or {@code ..}.
 *
 * @param value the name
 */
public record VdiName(String value) {

  /** The longest name, in bytes of UTF-8. */
  public static final int MAX_BYTES = 255;

  /**
   * Validates the name.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  public VdiName {
    FileNameRule.check("VDI name", value);
  }

  /** The UTF-8 bytes. */
  public byte[] toBytes() {
    return value.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public String toString() {
    return value;
  }
}
