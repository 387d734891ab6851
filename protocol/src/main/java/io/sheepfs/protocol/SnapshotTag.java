package io.sheepfs.protocol;

import java.nio.charset.StandardCharsets;

/**
 * The name of a snapshot of one VDI, by the rules of {@link VdiName}.
 *
 * @param value the tag
 */
public record SnapshotTag(String value) {

  /**
   * Validates the tag.
   *
   * @throws IllegalArgumentException with a message for the user
   */
  public SnapshotTag {
    FileNameRule.check("snapshot tag", value);
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
