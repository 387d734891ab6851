package io.sheepfs.fuse.tree;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a caller wants changed; null leaves a field as it is.
 *
 * @param sizeBytes truncates or grows
 * @param permissions the lower nine bits of the mode
 * @param modified the modification time
 */
public record AttributeChange(
    @Nullable Long sizeBytes,
    @Nullable Integer permissions,
    @Nullable Integer owner,
    @Nullable Integer group,
    @Nullable Instant modified) {

  /** Only a new size. */
  public static AttributeChange size(long sizeBytes) {
    return new AttributeChange(sizeBytes, null, null, null, null);
  }
}
