package io.sheepfs.protocol;

/**
 * Disk space.
 *
 * @param totalBytes what objects can use altogether
 * @param freeBytes what is left of it
 */
public record Space(long totalBytes, long freeBytes) {
  public Space {
    if (freeBytes < 0 || totalBytes < freeBytes) {
      throw new IllegalArgumentException(freeBytes + " of " + totalBytes + " bytes free");
    }
  }

  /** What objects use. */
  public long usedBytes() {
    return totalBytes - freeBytes;
  }

  /** Both added up. */
  public Space plus(Space other) {
    return new Space(totalBytes + other.totalBytes, freeBytes + other.freeBytes);
  }
}
